// The life of an account, by the client that openapi-generator makes of the OpenAPI document.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"reflect"

	"latchkey/client"
)

const (
	email    = "ada@example.com"
	password = "correct horse battery staple"
)

var (
	anybody = context.Background()
	service *latchkey.APIClient
)

func mustBe(found, expected any) {
	if !reflect.DeepEqual(found, expected) {
		panic(fmt.Sprintf("%v is not %v", found, expected))
	}
}

// What an answer gives that must have this status.
func good[T any](status int) func(T, *http.Response, error) T {
	return func(value T, response *http.Response, err error) T {
		if err != nil {
			panic(err)
		}
		mustBe(response.StatusCode, status)
		return value
	}
}

func done(response *http.Response, err error) {
	good[any](http.StatusNoContent)(nil, response, err)
}

// A problem that must have this status and this code.
func refused(status int, code latchkey.ProblemCode, response *http.Response, err error) latchkey.Problem {
	var failure *latchkey.GenericOpenAPIError
	if !errors.As(err, &failure) {
		panic(fmt.Sprintf("no problem but %v", err))
	}
	problem, ok := failure.Model().(latchkey.Problem)
	mustBe(ok, true)
	mustBe(problem.Code, code)
	mustBe(int(problem.Status), status)
	mustBe(response.StatusCode, status)
	return problem
}

func bearer(signedIn *latchkey.SignInResult) context.Context {
	return context.WithValue(anybody, latchkey.ContextAccessToken, signedIn.GetAccessToken())
}

func signIn() *latchkey.SignInResult {
	credentials := *latchkey.NewCredentials(email, password)
	return good[*latchkey.SignInResult](201)(service.SessionsAPI.SignIn(anybody).Credentials(credentials).Execute())
}

func main() {
	configuration := latchkey.NewConfiguration()
	configuration.Servers[0].URL = os.Args[1]
	service = latchkey.NewAPIClient(configuration)

	registration := *latchkey.NewRegistration(email, password)
	registration.SetName("Ada Lovelace")
	registration.SetMetadata(map[string]any{"plan": "pro"})
	registered := good[*latchkey.User](201)(service.UsersAPI.Register(anybody).Registration(registration).Execute())
	mustBe(registered.Email, email)
	mustBe(registered.Metadata, map[string]any{"plan": "pro"})
	fmt.Println("registered")

	_, response, err := service.UsersAPI.Register(anybody).Registration(registration).Execute()
	refused(409, latchkey.PROBLEMCODE_EMAIL_TAKEN, response, err)
	fmt.Println("address taken")

	invalid := *latchkey.NewRegistration("nobody", "short")
	_, response, err = service.UsersAPI.Register(anybody).Registration(invalid).Execute()
	fields := refused(422, latchkey.PROBLEMCODE_VALIDATION_FAILED, response, err).Errors
	mustBe(len(fields), 2)
	mustBe([]string{fields[0].Field, fields[1].Field}, []string{"email", "password"})
	mustBe(fields[0].Code, latchkey.FIELDPROBLEMCODE_INVALID)
	mustBe(fields[1].Code, latchkey.FIELDPROBLEMCODE_TOO_SHORT)
	fmt.Println("body refused")

	credentials := *latchkey.NewCredentials(email, "wrong")
	_, response, err = service.SessionsAPI.SignIn(anybody).Credentials(credentials).Execute()
	refused(401, latchkey.PROBLEMCODE_INVALID_CREDENTIALS, response, err)
	fmt.Println("password wrong")

	first := signIn()
	mustBe(first.User.Id, registered.Id)
	ada := bearer(first)
	fmt.Println("signed in")

	read, response, err := service.UsersAPI.GetMe(ada).Execute()
	mustBe(good[*latchkey.User](200)(read, response, err), registered)
	version := response.Header.Get("ETag")
	fmt.Println("read")

	changes := *latchkey.NewUserChanges()
	changes.SetUsername("ada")
	changes.SetNameNil()
	changed := good[*latchkey.User](200)(service.UsersAPI.PatchMe(ada).IfMatch(version).UserChanges(changes).Execute())
	mustBe(changed.GetUsername(), "ada")
	mustBe(changed.Name.Get(), (*string)(nil))
	fmt.Println("changed")

	_, response, err = service.UsersAPI.PatchMe(ada).IfMatch(version).UserChanges(changes).Execute()
	refused(412, latchkey.PROBLEMCODE_VERSION_MISMATCH, response, err)
	fmt.Println("version stale")

	sessions := good[*latchkey.SessionList](200)(service.SessionsAPI.ListSessions(ada).Execute()).Items
	mustBe(len(sessions), 1)
	mustBe(sessions[0].Id, first.Session.Id)
	fmt.Println("sessions listed")

	refresh := *latchkey.NewRefreshRequest()
	refresh.SetRefreshToken(first.GetRefreshToken())
	refreshed := good[*latchkey.SignInResult](200)(service.SessionsAPI.RefreshSession(anybody).RefreshRequest(refresh).Execute())
	mustBe(refreshed.Session.Id, first.Session.Id)
	mustBe(refreshed.GetAccessToken() == first.GetAccessToken(), false)
	ada = bearer(refreshed)
	fmt.Println("refreshed")

	events := good[*latchkey.EventList](200)(service.UsersAPI.ListEvents(ada).Limit(10).Execute()).Items
	kinds := []string{}
	for _, event := range events {
		kinds = append(kinds, event.Kind)
	}
	mustBe(kinds, []string{"user_updated", "signed_in", "sign_in_failed", "registered"})
	mustBe(events[1].Actor.GetId(), registered.Id)
	fmt.Println("events listed")

	exported := good[*latchkey.Export](200)(service.UsersAPI.ExportMe(ada).Execute())
	mustBe(exported.User.GetUsername(), "ada")
	mustBe(len(exported.Events.Items), len(events))
	fmt.Println("exported")

	done(service.SessionsAPI.SignOut(ada).Execute())
	fmt.Println("signed out")

	_, response, err = service.UsersAPI.GetMe(ada).Execute()
	refused(401, latchkey.PROBLEMCODE_TOKEN_INVALID, response, err)
	fmt.Println("token refused")

	ada = bearer(signIn())
	fmt.Println("signed in again")

	done(service.UsersAPI.DeleteMe(ada).Execute())
	credentials.SetPassword(password)
	_, response, err = service.SessionsAPI.SignIn(anybody).Credentials(credentials).Execute()
	refused(401, latchkey.PROBLEMCODE_INVALID_CREDENTIALS, response, err)
	fmt.Println("deleted")
}
