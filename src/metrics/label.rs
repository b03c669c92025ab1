//! Labels: what a number is told apart by. All values of one are known, so nobody can make more of them.

/// A label whose values are all known.
pub trait Label: Copy + Eq + 'static {
    /// Each value.
    const ALL: &'static [Self];

    /// The value, as it is on the page.
    fn name(self) -> &'static str;
}

/// Makes an enum a [`Label`], with the name of each value.
macro_rules! label {
    ($(#[$meta:meta])* $vis:vis enum $label:ident { $($(#[$about:meta])* $value:ident = $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $label {
            $($(#[$about])* $value,)*
        }

        impl $crate::metrics::Label for $label {
            const ALL: &'static [Self] = &[$(Self::$value),*];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)*
                }
            }
        }
    };
}
pub(crate) use label;

/// A number for each value of a label.
#[derive(Debug)]
pub struct By<L, T> {
    numbers: Vec<(L, T)>,
    /// For values that have none.
    other: T,
}

impl<L: Label, T: Default> Default for By<L, T> {
    fn default() -> Self {
        Self::over(L::ALL)
    }
}

impl<L: Label, T: Default> By<L, T> {
    /// A number for each of these, where others do not come about.
    #[must_use]
    pub fn over(values: &[L]) -> Self {
        Self { numbers: values.iter().map(|value| (*value, T::default())).collect(), other: T::default() }
    }
}

impl<L: Label, T> By<L, T> {
    /// The number of a value. One that should not come about has one that is not shown.
    pub fn of(&self, value: L) -> &T {
        self.numbers.iter().find(|(known, _)| *known == value).map_or(&self.other, |(_, number)| number)
    }

    /// Whether a value has a number.
    pub fn has(&self, value: L) -> bool {
        self.numbers.iter().any(|(known, _)| *known == value)
    }

    /// Each value, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &T)> {
        self.numbers.iter().map(|(value, number)| (value.name(), number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Counter;

    label! {
        enum Fruit {
            Apple = "apple",
            Pear = "pear",
        }
    }

    #[test]
    fn each_value_has_a_number_of_its_own() {
        let fruits = By::<Fruit, Counter>::default();
        fruits.of(Fruit::Pear).add(2);
        let counts = fruits.iter().map(|(name, count)| (name, count.get())).collect::<Vec<_>>();
        assert_eq!(counts, [("apple", 0), ("pear", 2)]);
    }
}
