//! Credentials as text: shown to whoever they are for, wiped when they are dropped, and never in a log.

/// Names a type of credential. Whether a text is a good one is found out where it is used.
macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(zeroize::Zeroizing<String>);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl $name {
            /// Takes one from a client, good or not.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(zeroize::Zeroizing::new(text.to_owned()))
            }

            /// The text as the client sends it.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }
    };
}

pub(super) use secret_text;
