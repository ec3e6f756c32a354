//! The schema of `files_note`.

use tfplugin::schema::validate::{integer, length, one_of};
use tfplugin::{Attribute, Block, Schema, Type};

pub(crate) fn schema() -> Schema {
    let schema = Schema::new()
        .version(1)
        .describe("A note kept as a file.")
        .attribute(
            "id",
            Attribute::string()
                .computed()
                .never_null()
                .describe("The note's id."),
        )
        .attribute("name", name())
        .attribute("folder", folder())
        .attribute(
            "location",
            Attribute::string()
                .computed_from(["folder"])
                .describe("Folder and name."),
        )
        .attribute(
            "lines",
            Attribute::list(Type::String)
                .optional()
                .describe("Lines of text."),
        )
        .attribute(
            "labels",
            Attribute::map(Type::String)
                .optional()
                .describe("Labels by key."),
        )
        .attribute("sections", sections())
        .attribute("meta", meta())
        .attribute(
            "wait_for",
            Attribute::string()
                .optional()
                .describe("A file that must exist before the note counts as filed."),
        )
        .block("reminder", reminder());
    with_seal(schema)
}

fn name() -> Attribute {
    Attribute::string()
        .required()
        .requires_replace()
        .validate(length(1..=40))
        .describe("The name. A note cannot be renamed, so another name is another note.")
}

fn folder() -> Attribute {
    Attribute::string()
        .default("inbox")
        .validate(one_of(["inbox", "archive", "trash"]))
        .describe("Where it is filed: `inbox`, `archive` or `trash`.")
}

fn sections() -> Attribute {
    let section = [
        (
            "text",
            Attribute::string().required().describe("What it says."),
        ),
        (
            "words",
            Attribute::number()
                .computed_from(["text"])
                .describe("How many words it has."),
        ),
    ];
    Attribute::map_of(section)
        .optional()
        .describe("Sections by title.")
}

fn meta() -> Attribute {
    let meta = [
        (
            "author",
            Attribute::string()
                .default("anonymous")
                .describe("Who wrote it."),
        ),
        (
            "priority",
            Attribute::number()
                .optional()
                .validate(integer(1..=5))
                .describe("1 to 5."),
        ),
    ];
    Attribute::single(meta)
        .optional()
        .describe("About the note.")
}

fn reminder() -> Block {
    let reminder = [
        ("at", Attribute::string().required().describe("When.")),
        ("text", Attribute::string().optional().describe("Of what.")),
    ];
    Block::list(reminder)
        .at_most(3)
        .describe("Up to three reminders.")
}

fn with_seal(schema: Schema) -> Schema {
    let seal = Attribute::string()
        .optional()
        .write_only()
        .validate(length(4..));
    schema
        .attribute(
            "seal_wo",
            seal.describe("A secret to seal it with; never stored."),
        )
        .attribute(
            "seal_wo_version",
            Attribute::number()
                .optional()
                .describe("Raise it to seal again."),
        )
        .attribute(
            "sealed",
            Attribute::bool()
                .computed_from(["seal_wo_version"])
                .describe("Whether it is sealed."),
        )
}
