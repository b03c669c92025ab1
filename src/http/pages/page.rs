//! Which pages there are, and what they say.

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Confirms an address.
    Verify,
    /// Sets a new password.
    Reset,
    /// Undoes a change of address.
    Undo,
}

/// What a page says.
pub(super) struct Words {
    pub(super) heading: &'static str,
    /// Above the form of a link.
    pub(super) with_token: &'static str,
    /// Above the form for a code, or in its place where there are no codes.
    pub(super) without_token: &'static str,
    pub(super) button: &'static str,
    pub(super) done_heading: &'static str,
    pub(super) done: &'static str,
    /// What to do when a link is good no more.
    pub(super) instead: &'static str,
}

impl Page {
    pub(super) const ALL: [Self; 3] = [Self::Verify, Self::Reset, Self::Undo];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Verify => "/account/verify",
            Self::Reset => "/account/reset",
            Self::Undo => "/account/undo",
        }
    }

    /// Its path as seen from itself, so that it also works where a proxy puts the service below a path.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::Undo => "undo",
        }
    }

    /// Whether a code does what a link does.
    pub(super) fn takes_codes(self) -> bool {
        self != Self::Undo
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::Verify => &Words {
                heading: "Confirm your email address",
                with_token: "Press the button to confirm that this email address is yours.",
                without_token: "Type the code of the letter that we sent you, and the email address that your account \
                                has now.",
                button: "Confirm my email address",
                done_heading: "Your email address is confirmed",
                done: "Thank you. You can close this page.",
                instead: "Ask for another letter where you asked for this one.",
            },
            Self::Reset => &Words {
                heading: "Set a new password",
                with_token: "Choose a new password. You will be signed out everywhere.",
                without_token: "Type the code of the letter that we sent you, the email address of your account, and a \
                                new password. You will be signed out everywhere.",
                button: "Set the new password",
                done_heading: "Your new password is set",
                done: "You have been signed out everywhere. Sign in with the new password.",
                instead: "Ask for another letter where you asked for this one.",
            },
            Self::Undo => &Words {
                heading: "Undo the change of your email address",
                with_token: "Press the button to have your former email address back. You will be signed out \
                             everywhere, the password will work no more, and we will send you a letter to set a new one.",
                without_token: "Open the link in the letter that told you of the change.",
                button: "Undo the change",
                done_heading: "You have your former email address back",
                done: "You have been signed out everywhere. A letter to set a new password is on its way to you.",
                instead: "A change can be undone for 7 days.",
            },
        }
    }
}
