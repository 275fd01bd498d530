//! A cell of the table.

use segue_e2e::plain;

use super::rows::Row;

/// One cell, and what it showed; an error is shown where its numbers would be.
pub(super) struct Cell {
    pub(super) row: Row,
    pub(super) setup: plain::Setup,
    pub(super) outcome: anyhow::Result<plain::Outcome>,
}
