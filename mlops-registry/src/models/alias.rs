//! Aliases, and every move that they made.

use mlops_core::{Alias, AliasChange, ModelName, NewEvent, Result, VersionNumber};
use sqlx::query;

use crate::database::{Row, Transaction};

/// Where an alias points.
pub(super) async fn target(
    reading: &mut Transaction,
    model: &ModelName,
    alias: &Alias,
) -> Result<Option<VersionNumber>> {
    let statement = query("SELECT number FROM aliases WHERE model = $1 AND alias = $2")
        .bind(model.as_str())
        .bind(alias.as_str());
    let row = reading.first(statement).await?;
    row.map_or(Ok(None), |row| number(&row, "number"))
}

/// Moves the alias, and keeps the move: the caller commits both or neither.
pub(super) async fn write(
    writing: &mut Transaction,
    model: &ModelName,
    entry: &AliasChange,
) -> Result<()> {
    let place = match entry.to {
        Some(number) => query(
            "INSERT INTO aliases (model, alias, number) VALUES ($1, $2, $3)
             ON CONFLICT (model, alias) DO UPDATE SET number = excluded.number",
        )
        .bind(model.as_str())
        .bind(entry.alias.as_str())
        .bind(number.get()),
        None => query("DELETE FROM aliases WHERE model = $1 AND alias = $2")
            .bind(model.as_str())
            .bind(entry.alias.as_str()),
    };
    writing.execute(place).await?;
    let history = query(
        "INSERT INTO alias_changes (model, alias, from_number, to_number, at, actor, why)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(model.as_str())
    .bind(entry.alias.as_str())
    .bind(entry.from.map(VersionNumber::get))
    .bind(entry.to.map(VersionNumber::get))
    .bind(entry.at.as_microsecond())
    .bind(entry.by.as_str())
    .bind(&entry.why);
    writing.execute(history).await?;
    Ok(())
}

pub(super) fn event(entry: &AliasChange) -> NewEvent {
    NewEvent::new("alias_moved", entry.by.clone())
        .detail("alias", entry.alias.as_str())
        .detail("from", entry.from.map(VersionNumber::get))
        .detail("to", entry.to.map(VersionNumber::get))
        .detail("why", entry.why.as_str())
}

/// Every move of every alias, in the order in which they happened.
pub(super) async fn history(
    reading: &mut Transaction,
    model: &ModelName,
) -> Result<Vec<AliasChange>> {
    let statement = query("SELECT * FROM alias_changes WHERE model = $1 ORDER BY sequence");
    let rows = reading.all(statement.bind(model.as_str())).await?;
    rows.iter().map(alias_change).collect()
}

fn alias_change(row: &Row) -> Result<AliasChange> {
    Ok(AliasChange {
        alias: row.parsed("alias")?,
        from: number(row, "from_number")?,
        to: number(row, "to_number")?,
        at: row.time("at")?,
        by: row.parsed("actor")?,
        why: row.get("why")?,
    })
}

fn number(row: &Row, column: &'static str) -> Result<Option<VersionNumber>> {
    let stored: Option<u32> = row.get(column)?;
    Ok(stored.map(VersionNumber::new).transpose()?)
}
