//! The table: a row for each thing that was measured, its limit, and whether it holds.

use std::fmt::{self, Display};

use crate::samples::{Milliseconds, Samples};

const HEAD: [&str; 8] = ["what", "on", "n", "median", "p99", "also", "limit", "holds"];

/// All rows, shown as markdown.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

/// One row, whose empty cells mean that there is nothing to say.
#[derive(Default)]
pub(crate) struct Row([String; 8]);

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("measured: {} {}", row.0[0], row.0[1]);
        self.0.push(row);
    }
}

impl Row {
    /// A row of times.
    pub(crate) fn of(what: &str, on: &str, samples: &Samples) -> Self {
        let row = Self::value(what, on, Milliseconds(samples.median()));
        row.cell(2, samples.len()).cell(4, Milliseconds(samples.quantile(0.99)))
    }

    /// A row of one value.
    pub(crate) fn value(what: &str, on: &str, value: impl Display) -> Self {
        Self::default().cell(0, what).cell(1, on).cell(3, value)
    }

    /// Something else worth knowing.
    pub(crate) fn also(self, text: impl Display) -> Self {
        self.cell(5, text)
    }

    pub(crate) fn limit(self, limit: &str, holds: bool) -> Self {
        self.cell(6, limit).cell(7, if holds { "yes" } else { "**NO**" })
    }

    fn cell(mut self, index: usize, text: impl Display) -> Self {
        self.0[index] = text.to_string();
        self
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = || self.0.iter().map(|row| row.0.each_ref().map(String::as_str)).chain([HEAD]);
        let widths = std::array::from_fn::<_, 8, _>(|i| rows().map(|row| row[i].chars().count()).max().unwrap_or(0));
        let mut line = |cells: [&str; 8]| {
            for (cell, width) in cells.iter().zip(widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")
        };
        line(HEAD)?;
        line(widths.map(|width| "-".repeat(width)).each_ref().map(String::as_str))?;
        self.0.iter().try_for_each(|row| line(row.0.each_ref().map(String::as_str)))
    }
}
