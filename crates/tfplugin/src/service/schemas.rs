//! Schemas as they travel.

use crate::function::{Parameter, Signature};
use crate::proto::tfplugin6 as pb;
use crate::proto::tfplugin6::schema as pbs;
use crate::schema::{Attribute, AttributeKind, Block, Body, IdentitySchema, Nesting, Schema};
use crate::value::Type;

const MARKDOWN: i32 = pb::StringKind::Markdown as i32;

fn type_bytes(ty: &Type) -> Vec<u8> {
    ty.to_json().to_string().into_bytes()
}

pub(super) fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema {
        version: schema.stored_version(),
        block: Some(pbs::Block {
            version: schema.stored_version(),
            ..block(schema.body(), schema.description(), schema.deprecation())
        }),
    }
}

/// A schema of arguments only: a default makes them optional, and nothing is computed.
pub(super) fn arguments(of: &Schema) -> pb::Schema {
    let mut arguments = schema(of);
    if let Some(block) = &mut arguments.block {
        never_computed(block);
    }
    arguments
}

fn never_computed(block: &mut pbs::Block) {
    attributes_never_computed(&mut block.attributes);
    let nested = block.block_types.iter_mut();
    nested
        .filter_map(|nested| nested.block.as_mut())
        .for_each(never_computed);
}

fn attributes_never_computed(attributes: &mut [pbs::Attribute]) {
    for attribute in attributes {
        attribute.computed = false;
        if let Some(nested) = &mut attribute.nested_type {
            attributes_never_computed(&mut nested.attributes);
        }
    }
}

fn block(body: &Body, description: &str, deprecation: Option<&str>) -> pbs::Block {
    pbs::Block {
        attributes: attributes(body),
        block_types: body
            .blocks
            .iter()
            .map(|(name, b)| nested_block(name, b))
            .collect(),
        description: description.to_owned(),
        description_kind: MARKDOWN,
        deprecated: deprecation.is_some(),
        deprecation_message: deprecation.unwrap_or_default().to_owned(),
        ..pbs::Block::default()
    }
}

fn nested_block(name: &str, nested: &Block) -> pbs::NestedBlock {
    use pbs::nested_block::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pbs::NestedBlock {
        type_name: name.to_owned(),
        block: Some(pbs::Block {
            computed: nested.computed,
            ..block(
                &nested.body,
                &nested.description,
                nested.deprecation.as_deref(),
            )
        }),
        nesting: nesting.into(),
        min_items: nested.min_items,
        max_items: nested.max_items,
    }
}

fn attributes(body: &Body) -> Vec<pbs::Attribute> {
    body.attributes
        .iter()
        .map(|(name, a)| attribute(name, a))
        .collect()
}

fn attribute(name: &str, attribute: &Attribute) -> pbs::Attribute {
    let (ty, nested_type) = match &attribute.kind {
        AttributeKind::Plain(ty) => (type_bytes(ty), None),
        AttributeKind::Nested(nesting, body) => (Vec::new(), Some(object(*nesting, body))),
    };
    pbs::Attribute {
        name: name.to_owned(),
        r#type: ty,
        description: attribute.description.clone(),
        required: attribute.required,
        optional: attribute.optional,
        computed: attribute.computed,
        sensitive: attribute.sensitive,
        description_kind: MARKDOWN,
        deprecated: attribute.deprecation.is_some(),
        nested_type,
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecation.clone().unwrap_or_default(),
    }
}

fn object(nesting: Nesting, body: &Body) -> pbs::Object {
    use pbs::object::NestingMode;
    let nesting = match nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
    };
    pbs::Object {
        attributes: attributes(body),
        nesting: nesting.into(),
        ..pbs::Object::default()
    }
}

pub(super) fn identity(schema: &IdentitySchema) -> pb::ResourceIdentitySchema {
    let attribute = |(name, attribute): (&String, &crate::schema::IdentityAttribute)| {
        pb::resource_identity_schema::IdentityAttribute {
            name: name.clone(),
            r#type: type_bytes(&attribute.ty),
            required_for_import: attribute.required_for_import,
            optional_for_import: !attribute.required_for_import,
            description: attribute.description.clone(),
        }
    };
    pb::ResourceIdentitySchema {
        version: schema.version,
        identity_attributes: schema.attributes.iter().map(attribute).collect(),
    }
}

pub(super) fn function(signature: &Signature) -> pb::Function {
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return {
            r#type: type_bytes(&signature.returns),
        }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: MARKDOWN,
        deprecation_message: String::new(),
    }
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.clone(),
        r#type: type_bytes(&parameter.ty),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: false,
        description: parameter.description.clone(),
        description_kind: MARKDOWN,
    }
}
