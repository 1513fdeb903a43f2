//! Plain aligned columns.

use std::fmt;

use super::style;

/// On which side of its column a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Left: text.
    Left,
    /// Right: numbers.
    Right,
}

/// Rows under headings, columns two spaces apart.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table with these headings and no row.
    pub fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        Self {
            columns: columns
                .into_iter()
                .map(|(heading, align)| (heading.to_owned(), align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells that are missing stay empty, cells beyond the headings are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl fmt::Display>) -> &mut Self {
        let mut cells: Vec<String> = cells
            .into_iter()
            .map(|cell| style::printable(&cell.to_string()).replace('\n', "\\n"))
            .collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
        self
    }

    /// Returns whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize, heading: &str| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .chain([heading.chars().count()])
                .max()
                .unwrap_or(0)
        };
        self.columns
            .iter()
            .enumerate()
            .map(|(column, (heading, _))| width(column, heading))
            .collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let write = |cells: Vec<&str>| -> String {
            let mut line = String::new();
            for ((cell, (_, align)), width) in cells.into_iter().zip(&self.columns).zip(&widths) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                line.push_str(&match align {
                    Align::Left => format!("{cell:<width$}"),
                    Align::Right => format!("{cell:>width$}"),
                });
            }
            line.trim_end().to_owned()
        };
        let headings = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(formatter, "{}", style::strong(&write(headings)))?;
        for row in &self.rows {
            writeln!(
                formatter,
                "{}",
                write(row.iter().map(String::as_str).collect())
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligns_without_trailing_space() {
        let mut table = Table::new([
            ("name", Align::Left),
            ("files", Align::Right),
            ("id", Align::Left),
        ]);
        table.row(["numpy", "1204", "ab"]).row(["six", "9", ""]);
        assert_eq!(
            anstream::adapter::strip_str(&table.to_string()).to_string(),
            "name   files  id\nnumpy   1204  ab\nsix        9\n"
        );
    }
}
