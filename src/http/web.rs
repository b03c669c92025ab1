//! What an operator decides about browsers.

use super::origin::Origin;

/// What an operator decides about browsers.
#[derive(Clone, Debug, Default)]
pub struct WebSettings {
    /// The origins whose pages may read answers.
    pub origins: Vec<Origin>,
}
