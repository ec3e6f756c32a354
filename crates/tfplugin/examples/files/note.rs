//! `files_note`: a managed resource with most of what a resource can have.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use tfplugin::{
    Attr, Create, Delete, DeleteReason, Diagnostic, Diagnostics, IdentitySchema, Import,
    MoveSource, Object, Plan, PlanDestroy, Read, Resource, Schema, Stop, Type, Update, async_trait,
};

use crate::note_schema::schema;
use crate::store::{Record, Reminder, Store};

pub(crate) struct Note;

#[async_trait]
impl Resource<Store> for Note {
    fn type_name(&self) -> &'static str {
        "files_note"
    }

    fn schema(&self) -> Schema {
        schema()
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new().required("name", Type::String, "The note's name."))
    }

    fn validate(&self, config: &Object) -> Diagnostics {
        let mut problems = Diagnostics::new();
        let known = |name: &str| config.is_known(name);
        if known("seal_wo") && config.is_null("seal_wo_version") {
            let detail = "Without a version nobody can see that the seal changed.";
            problems.error_at("seal_wo_version", "Seal without a version", detail);
        }
        problems
    }

    async fn plan(&self, op: &mut Plan<Store>) -> Result<(), Diagnostics> {
        let name: Attr<String> = op.planned.get("name")?;
        let folder: Attr<String> = op.planned.get("folder")?;
        if let (Attr::Known(name), Attr::Known(folder)) = (&name, &folder) {
            op.planned.set("location", location(name, folder));
        }
        if op.changed("folder") && folder == Attr::Known("trash".to_owned()) {
            let warning =
                Diagnostic::warning("The note is thrown away", "The trash is emptied at night.");
            op.warnings.push(warning.at("folder"));
        }
        Ok(())
    }

    async fn plan_destroy(&self, op: &mut PlanDestroy<Store>) -> Result<(), Diagnostics> {
        op.warnings.warning(
            "A note will be gone",
            format!(
                "{} is not kept anywhere else.",
                op.prior.get::<String>("name")?
            ),
        );
        Ok(())
    }

    async fn create(&self, op: &mut Create<Store>) -> Result<Object, Diagnostics> {
        let name: String = op.planned.get("name")?;
        if op.client.read(&name)?.is_some() {
            let detail = format!(
                "A note named {name:?} is there already. Import it, or choose another name."
            );
            return Err(Diagnostic::error("Note exists", detail).at("name").into());
        }
        let record = record(&op.planned, &op.config)?;
        op.client.write(&record)?;
        op.partial.record(|state| {
            state.set("id", id(&name));
        });
        wait_for(&op.planned, &op.stop).await?;
        state(&op.planned, &record)
    }

    async fn read(&self, op: &mut Read<Store>) -> Result<Option<Object>, Diagnostics> {
        let name: String = op.state.get("name")?;
        let record = op.client.read(&name)?;
        record.map(|record| state(&op.state, &record)).transpose()
    }

    async fn update(&self, op: &mut Update<Store>) -> Result<Object, Diagnostics> {
        let mut record = record(&op.planned, &op.config)?;
        if !op.changed("seal_wo_version") {
            record.sealed = op
                .client
                .read(&record.name)?
                .map_or(0, |before| before.sealed);
        }
        op.client.write(&record)?;
        state(&op.planned, &record)
    }

    async fn delete(&self, op: &mut Delete<Store>) -> Result<(), Diagnostics> {
        let name: String = op.state.get("name")?;
        let reason = match op.reason {
            DeleteReason::Destroy => "destroyed",
            DeleteReason::Replace => "replaced",
        };
        op.client.journal(&format!("{reason} {name}"))?;
        Ok(op.client.remove(&name)?)
    }

    async fn import(&self, op: &mut Import<Store>) -> Result<Object, Diagnostics> {
        Ok(Object::new().with("name", op.text("name")?))
    }

    fn upgrade(&self, stored_version: i64, mut state: Json) -> Result<Json, Diagnostics> {
        // Version 0 called the folder "dir".
        match state.as_object_mut() {
            Some(fields) if stored_version == 0 => {
                let folder = fields.remove("dir").unwrap_or(Json::Null);
                fields.insert("folder".to_owned(), folder);
                Ok(state)
            }
            _ => Err(Diagnostic::error(
                "Unknown version",
                format!("{stored_version} is not known."),
            )
            .into()),
        }
    }

    fn move_from(&self, source: &MoveSource) -> Result<Option<Object>, Diagnostics> {
        if source.type_name != "terraform_data" {
            return Ok(None);
        }
        // Its input may be of any type; a note takes over one that is the note's name.
        let name = source.state["input"]["value"].as_str().ok_or_else(|| {
            Diagnostic::error(
                "Not a note's name",
                "The input of the moved terraform_data is no text.",
            )
        })?;
        Ok(Some(Object::new().with("name", name)))
    }
}

fn id(name: &str) -> String {
    format!("note:{name}")
}

fn location(name: &str, folder: &str) -> String {
    format!("{folder}/{name}")
}

/// What the store is to hold.
fn record(planned: &Object, config: &Object) -> Result<Record, Diagnostics> {
    let sections: Option<BTreeMap<String, Object>> = planned.get("sections")?;
    let texts = sections.map(|sections| {
        let each = sections
            .into_iter()
            .map(|(title, section)| Ok((title, section.get("text")?)));
        each.collect::<Result<_, Diagnostics>>()
    });
    let meta: Option<Object> = planned.get("meta")?;
    let seal: Option<String> = config.get("seal_wo")?;
    Ok(Record {
        name: planned.get("name")?,
        folder: planned.get("folder")?,
        lines: planned.get("lines")?,
        labels: planned.get("labels")?,
        sections: texts.transpose()?,
        reminders: reminders(planned)?,
        author: meta.map(|meta| meta.get("author")).transpose()?,
        sealed: seal.map_or(0, |seal| seal.len()),
    })
}

fn reminders(planned: &Object) -> Result<Vec<Reminder>, Diagnostics> {
    let blocks: Vec<Object> = planned.get("reminder")?;
    let read = |block: &Object| {
        Ok(Reminder {
            at: block.get("at")?,
            text: block.get("text")?,
        })
    };
    blocks.iter().map(read).collect()
}

/// The state of a note: what the store holds, and what it does not know from `known`.
fn state(known: &Object, record: &Record) -> Result<Object, Diagnostics> {
    let sections = record.sections.as_ref().map(|sections| {
        let section = |text: &String| {
            Object::new()
                .with("text", text)
                .with("words", text.split_whitespace().count())
        };
        sections
            .iter()
            .map(|(title, text)| (title.clone(), section(text)))
            .collect::<BTreeMap<_, _>>()
    });
    let priority: Option<i64> = known
        .get::<Option<Object>>("meta")?
        .map(|m| m.get("priority"))
        .transpose()?
        .flatten();
    let meta = record.author.as_ref().map(|author| {
        Object::new()
            .with("author", author)
            .with("priority", priority)
    });
    let reminder = |r: &Reminder| Object::new().with("at", &r.at).with("text", r.text.clone());
    let reminders: Vec<Object> = record.reminders.iter().map(reminder).collect();
    let mut state = known.clone();
    state
        .set("reminder", reminders)
        .set("id", id(&record.name))
        .set("folder", &record.folder)
        .set("location", location(&record.name, &record.folder))
        .set("lines", record.lines.clone())
        .set("labels", record.labels.clone())
        .set("sections", sections)
        .set("meta", meta)
        .set("sealed", record.sealed > 0);
    Ok(state)
}

async fn wait_for(planned: &Object, stop: &Stop) -> Result<(), Diagnostics> {
    let Some(file) = planned.get::<Option<String>>("wait_for")? else {
        return Ok(());
    };
    let there = async {
        while !Path::new(&file).exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(stop.or_stopped(there).await?)
}
