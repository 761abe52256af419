//! `tools` and `toolConfig`, in both directions.

use deltallm_shared::error::ApiError;
use serde_json::{Map, Value, json, value::RawValue};

use super::{object::Object, schema};
use crate::{
    canonical::{ChatRequest, Tool, ToolChoice, Unsupported, param_name},
    dialect::DialectId,
};

/// How `own` names a member of a function's declaration that only Gemini has: `functionDeclarations.{name}.{member}`.
const DECLARATIONS: &str = "functionDeclarations.";
/// How `own` names a member of `toolConfig`.
pub(super) const TOOL_CONFIG: &str = "toolConfig.";

/// Reads `tools`.
pub(super) fn read(tools: Vec<&RawValue>, request: &mut ChatRequest) -> Result<(), ApiError> {
    for (at, raw) in tools.into_iter().enumerate() {
        let mut tool = Object::read(raw, &format!("tools[{at}]"))?;
        let path = tool.path_of("functionDeclarations");
        for (at, raw) in tool.take_list("functionDeclarations")?.into_iter().enumerate() {
            read_declaration(Object::read(raw, &format!("{path}[{at}]"))?, request)?;
        }
        // What is left names Google's own tools: `googleSearch`, `codeExecution`, `urlContext` …
        let own = tool.rest()?.into_iter().map(|(name, value)| Tool::Own { name, value });
        request.tools.extend(own);
    }
    Ok(())
}

fn read_declaration(mut declaration: Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    let name = declaration.take_text("name")?.ok_or_else(|| declaration.wrong("name", "there"))?;
    let description = declaration.take_text("description")?;
    let json_schema = declaration.take_value("parametersJsonSchema")?;
    let parameters = declaration.take_value("parameters")?.map(schema::to_json_schema);
    for (member, value) in declaration.rest()? {
        request.own.insert(format!("{DECLARATIONS}{name}.{member}"), value);
    }
    let parameters = json_schema.or(parameters);
    request.tools.push(Tool::Function { name, description, parameters, strict: None, cache: None });
    Ok(())
}

/// Reads `toolConfig`.
pub(super) fn read_config(mut config: Object<'_>, request: &mut ChatRequest) -> Result<(), ApiError> {
    if let Some(mut calling) = config.take_object("functionCallingConfig")? {
        let mode = calling.take_text("mode")?.unwrap_or_default().to_ascii_uppercase();
        let names = calling.take_texts("allowedFunctionNames")?;
        // Arguments in pieces: we give them whole, which is what everybody reads who does not ask.
        calling.take("streamFunctionCallArguments");
        request.tool_choice = match (mode.as_str(), names.as_slice()) {
            ("" | "MODE_UNSPECIFIED", _) => None,
            ("AUTO", _) => Some(ToolChoice::Auto),
            ("NONE", _) => Some(ToolChoice::None),
            ("ANY", []) => Some(ToolChoice::Required),
            ("ANY", [name]) => Some(ToolChoice::Named(name.clone())),
            ("ANY", _) => Some(ToolChoice::Among { names, required: true }),
            ("VALIDATED", []) => Some(ToolChoice::Among { names: function_names(request), required: false }),
            ("VALIDATED", _) => Some(ToolChoice::Among { names, required: false }),
            _ => return Err(calling.wrong("mode", "AUTO, ANY, NONE or VALIDATED")),
        };
    }
    for (member, value) in config.rest()? {
        request.own.insert(format!("{TOOL_CONFIG}{member}"), value);
    }
    Ok(())
}

fn function_names(request: &ChatRequest) -> Vec<String> {
    let names = request.tools.iter().filter_map(|tool| match tool {
        Tool::Function { name, .. } => Some(name.clone()),
        Tool::Own { .. } => None,
    });
    names.collect()
}

/// Writes `tools`. Schemas go as JSON Schema (`parametersJsonSchema`), so nothing of them is lost.
pub(super) fn write(request: &ChatRequest, unsupported: &mut Unsupported<'_>) -> Result<Vec<Value>, ApiError> {
    let is_own = request.source == DialectId::GeminiGenerate;
    let (mut declarations, mut own) = (Vec::new(), Vec::new());
    for (at, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function { name, description, parameters, .. } => {
                let mut declaration = Map::from_iter([("name".to_owned(), json!(name))]);
                declaration.extend(description.as_ref().map(|text| ("description".to_owned(), json!(text))));
                declaration
                    .extend(parameters.as_ref().map(|schema| ("parametersJsonSchema".to_owned(), schema.clone())));
                if is_own {
                    declaration.extend(own_members(request, &format!("{DECLARATIONS}{name}.")));
                }
                declarations.push(Value::Object(declaration));
            }
            Tool::Own { name, value } if is_own => own.push(json!({ name: value })),
            Tool::Own { name, .. } => unsupported.refuse(&format!("tools[{at}].{name}"))?,
        }
    }
    if !declarations.is_empty() {
        own.insert(0, json!({ "functionDeclarations": declarations }));
    }
    Ok(own)
}

/// Writes `toolConfig`.
pub(super) fn write_config(
    request: &ChatRequest,
    unsupported: &mut Unsupported<'_>,
) -> Result<Option<Value>, ApiError> {
    let mut config = Map::new();
    let has_functions = request.tools.iter().any(|tool| matches!(tool, Tool::Function { .. }));
    if let Some(choice) = request.tool_choice.as_ref().filter(|_| has_functions) {
        let calling = match choice {
            ToolChoice::Auto => json!({"mode": "AUTO"}),
            ToolChoice::None => json!({"mode": "NONE"}),
            ToolChoice::Required => json!({"mode": "ANY"}),
            ToolChoice::Named(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
            ToolChoice::Among { names, required: true } => json!({"mode": "ANY", "allowedFunctionNames": names}),
            ToolChoice::Among { names, required: false } => json!({"mode": "VALIDATED", "allowedFunctionNames": names}),
        };
        config.insert("functionCallingConfig".to_owned(), calling);
    }
    if request.parallel_tool_calls == Some(false) && has_functions {
        unsupported.refuse(param_name(request.source, "parallel_tool_calls"))?;
    }
    if request.source == DialectId::GeminiGenerate {
        config.extend(own_members(request, TOOL_CONFIG));
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}

/// The members of `own` below a prefix.
pub(super) fn own_members(request: &ChatRequest, prefix: &str) -> Vec<(String, Value)> {
    let members =
        request.own.iter().filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())));
    members.collect()
}

/// Whether a name of `own` stands inside a tool or `toolConfig`.
pub(super) fn is_inside(name: &str) -> bool {
    name.starts_with(DECLARATIONS) || name.starts_with(TOOL_CONFIG)
}
