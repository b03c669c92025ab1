//! An event as it is stored: a line of JSON.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Event, EventId};
use crate::accounts::clock::Timestamp;

#[derive(Deserialize, Serialize)]
struct Line {
    id: String,
    at: String,
    kind: String,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    details: Map<String, Value>,
}

impl Event {
    pub(super) fn to_line(&self) -> String {
        let line = Line {
            id: self.id.to_string(),
            at: self.at.to_string(),
            kind: self.kind.to_string(),
            by: self.by.to_string(),
            session: self.session.map(|id| id.to_string()),
            address: self.address,
            details: self.details.clone(),
        };
        serde_json::to_string(&line).unwrap_or_default() // text and maps with text keys are always JSON
    }

    /// Whether it is the line of an event, be it of a later version, which knows more.
    pub(in crate::accounts) fn is_line(line: &str) -> bool {
        serde_json::from_str::<Line>(line)
            .is_ok_and(|line| line.id.parse::<EventId>().is_ok() && line.at.parse::<Timestamp>().is_ok())
    }

    /// Reads a line. None is one of a later version, which knows more.
    pub(super) fn of_line(line: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(line).ok()?;
        Some(Self {
            id: line.id.parse().ok()?,
            at: line.at.parse().ok()?,
            kind: line.kind.parse().ok()?,
            by: line.by.parse().ok()?,
            session: line.session.and_then(|id| id.parse().ok()),
            address: line.address,
            details: line.details,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{
        api_keys::ApiKeyId,
        authority::{Actor, Origin},
        clock::Timestamp,
        events::{Act, EventKind},
        random::Random,
        user::{SessionId, UserId},
    };

    const NOW: i64 = 1_700_000_000_123;

    #[test]
    fn every_event_is_read_back() {
        let now = Timestamp::from_millis(NOW);
        let actors = [
            Actor::User(UserId::new(now, Random), SessionId::new(now, Random)),
            Actor::ApiKey(ApiKeyId::new(now, Random)),
            Actor::Operator,
            Actor::Anonymous,
        ];
        for (actor, address) in actors.into_iter().zip([Some("::1"), None, None, Some("192.0.2.1")]) {
            let origin = Origin { actor, address: address.map(|text| text.parse().unwrap()) };
            for kind in EventKind::ALL {
                let plain = Act::new(*kind, origin).at(now, Random);
                let detailed = Act::new(*kind, origin).with("fields", vec!["name"]).at(now, Random);
                for event in [plain, detailed] {
                    assert_eq!(Event::of_line(&event.to_line()), Some(event.clone()), "{event:?}");
                    assert_eq!(event.id.at(), event.at);
                }
            }
        }
    }

    #[test]
    fn a_line_of_a_later_version_is_no_event() {
        let event = Act::new(EventKind::SignedIn, Origin { actor: Actor::Operator, address: None });
        let line = event.at(Timestamp::from_millis(NOW), Random).to_line();
        assert!(Event::of_line(&line).is_some());
        for (old, new, is_line) in
            [("signed_in", "flown_in", true), ("operator", "moon", true), ("{", "", false), ("T", "", false)]
        {
            let changed = line.replace(old, new);
            assert_eq!((Event::of_line(&changed), Event::is_line(&changed)), (None, is_line), "{changed}");
        }
    }
}
