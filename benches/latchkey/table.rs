//! Tables: a row for each thing that was measured.

use std::fmt::{self, Display};

use crate::samples::{Milliseconds, Samples};

/// The head of a table of [`Row`]s: how long something took, its limit, and whether that holds.
pub(crate) const TIMES: [&str; 8] = ["what", "on", "n", "median", "p99", "also", "limit", "holds"];

/// Rows below their head, shown as markdown.
pub(crate) struct Table<const COLUMNS: usize = 8> {
    head: [&'static str; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

/// A row of times, whose empty cells mean that there is nothing to say.
#[derive(Default)]
pub(crate) struct Row([String; 8]);

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(head: [&'static str; COLUMNS]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(crate) fn add(&mut self, row: impl Into<[String; COLUMNS]>) {
        let row = row.into();
        eprintln!("measured: {} {}", row[0], row[1]);
        self.rows.push(row);
    }
}

impl From<Row> for [String; 8] {
    fn from(row: Row) -> Self {
        row.0
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

impl<const COLUMNS: usize> Display for Table<COLUMNS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = || self.rows.iter().map(|row| row.each_ref().map(String::as_str)).chain([self.head]);
        let widths: [usize; COLUMNS] =
            std::array::from_fn(|i| rows().map(|row| row[i].chars().count()).max().unwrap_or(0));
        let mut line = |cells: [&str; COLUMNS]| {
            for (cell, width) in cells.iter().zip(widths) {
                write!(f, "| {cell:width$} ")?;
            }
            writeln!(f, "|")
        };
        line(self.head)?;
        line(widths.map(|width| "-".repeat(width)).each_ref().map(String::as_str))?;
        self.rows.iter().try_for_each(|row| line(row.each_ref().map(String::as_str)))
    }
}
