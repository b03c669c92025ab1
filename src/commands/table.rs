//! Tables: what a command lists, for people.

/// Rows under a heading, each column as wide as what is in it.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new<const N: usize>(heading: [&str; N]) -> Self {
        Self { rows: vec![heading.map(str::to_owned).into()] }
    }

    /// Adds a row. What would move the cursor or colour the terminal is shown as what it is.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| visible(&cell)).collect());
    }

    pub(super) fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell)).max();
        let widths = (0..columns).map(|column| width(column).unwrap_or_default()).collect::<Vec<_>>();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let padding = " ".repeat(width.saturating_sub(width_of(cell)));
                format!("{cell}{padding}")
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

/// In characters: some scripts and emoji are wider on a terminal, and stand a little out of line.
fn width_of(cell: &str) -> usize {
    cell.chars().count()
}

/// A text on one line of a terminal.
pub(super) fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// What may be absent, or a dash.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let mut table = Table::new(["ID", "NAME", "SINCE"]);
        table.row(["1".to_owned(), "Ada".to_owned(), "-".to_owned()]);
        table.row(["22".to_owned(), "\u{c4}va M.".to_owned(), "2026".to_owned()]);
        assert_eq!(table.to_text(), "ID  NAME    SINCE\n1   Ada     -\n22  \u{c4}va M.  2026\n");
    }

    #[test]
    fn what_a_person_calls_themselves_moves_no_cursor() {
        let mut table = Table::new(["NAME"]);
        table.row(["a\u{1b}[2Jb\nc".to_owned()]);
        assert_eq!(table.to_text(), "NAME\na\\u{1b}[2Jb\\nc\n");
    }
}
