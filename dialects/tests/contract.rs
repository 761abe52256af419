//! What a dialect has to bring: its input files, and an entry in [`crate::abilities`]. A newcomer reads here what it lacks.

use std::collections::BTreeSet;

use deltallm_dialects::dialect::{CLIENT_DIALECTS, DialectId, VENDOR_DIALECTS, client_dialect, vendor_dialect};

use crate::abilities;
use crate::cases::inputs;

const REQUESTS: [&str; 13] = [
    "basic",
    "system",
    "multi_turn",
    "tools",
    "parallel_tools",
    "tool_results",
    "image_url",
    "image_data",
    "document",
    "structured_output",
    "reasoning",
    "sampling",
    "stop",
];

const ANSWERS: [&str; 9] = [
    "basic",
    "length",
    "stop_sequence",
    "tools",
    "parallel_tools",
    "reasoning",
    "cached_usage",
    "refusal_or_filter",
    "citations",
];

const ERRORS: [&str; 9] = [
    "rate_limit",
    "overloaded",
    "context_window",
    "content_policy",
    "auth",
    "not_found",
    "bad_request",
    "server",
    "quota",
];

/// What a dialect has no words for: dialect, kind, cases. A line here needs a reason in the vendor's own documentation.
const CANNOT_SAY: &[(DialectId, &str, &[&str])] = &[
    (
        // A prompt and no messages: no roles, no tools, no media, no thoughts.
        DialectId::OpenAiCompletions,
        "requests",
        &[
            "system",
            "multi_turn",
            "tools",
            "parallel_tools",
            "tool_results",
            "image_url",
            "image_data",
            "document",
            "structured_output",
            "reasoning",
        ],
    ),
    // The Responses API has no texts that end an answer, and so no such end.
    (DialectId::OpenAiResponses, "requests", &["stop"]),
    (DialectId::OpenAiResponses, "answers", &["stop_sequence"]),
    (DialectId::OpenAiResponses, "streams", &["stop_sequence"]),
];

/// `kind/case.dialect` for each case that is needed and not there.
fn lacking(kind: &str, needed: &[&str], dialects: &[DialectId]) -> Vec<String> {
    let there: BTreeSet<(&str, String)> =
        inputs(kind).into_iter().map(|case| (case.dialect.name(), case.name)).collect();
    let cannot = |dialect: DialectId, case: &str| {
        CANNOT_SAY.iter().any(|(id, of, cases)| *id == dialect && *of == kind && cases.contains(&case))
    };
    let wanted = dialects.iter().flat_map(|dialect| needed.iter().map(move |case| (*dialect, *case)));
    wanted
        .filter(|(dialect, case)| !cannot(*dialect, case) && !there.contains(&(dialect.name(), (*case).to_owned())))
        .map(|(dialect, case)| format!("golden/{kind}/{case}.{}", dialect.name()))
        .collect()
}

#[test]
fn every_client_dialect_has_its_cases() {
    let clients: Vec<DialectId> = CLIENT_DIALECTS.iter().map(|dialect| dialect.id()).collect();
    let lacking = lacking("requests", &REQUESTS, &clients);
    assert!(lacking.is_empty(), "missing:\n{}", lacking.join("\n"));
}

#[test]
fn every_vendor_dialect_has_its_cases() {
    let vendors: Vec<DialectId> = VENDOR_DIALECTS.iter().map(|dialect| dialect.id()).collect();
    let mut missing = lacking("answers", &ANSWERS, &vendors);
    missing.extend(lacking("streams", &ANSWERS, &vendors));
    missing.extend(lacking("errors", &ERRORS, &vendors));
    assert!(missing.is_empty(), "missing:\n{}", missing.join("\n"));
}

#[test]
fn every_dialect_that_can_be_read_and_written_says_what_it_knows() {
    for dialect in CLIENT_DIALECTS {
        let id = dialect.id();
        if vendor_dialect(id).is_some() {
            assert!(abilities::of(id).is_some(), "abilities.rs: `of` has no line for {}", id.name());
        }
    }
}

#[test]
fn every_dialect_stands_in_a_list() {
    for id in DialectId::ALL {
        let is_listed = client_dialect(id).is_some() || vendor_dialect(id).is_some();
        assert!(is_listed, "{} is in neither CLIENT_DIALECTS nor VENDOR_DIALECTS", id.name());
    }
}

#[test]
fn ids_are_unique_and_found() {
    for (list, ids) in [
        ("CLIENT_DIALECTS", CLIENT_DIALECTS.iter().map(|dialect| dialect.id()).collect::<Vec<_>>()),
        ("VENDOR_DIALECTS", VENDOR_DIALECTS.iter().map(|dialect| dialect.id()).collect()),
    ] {
        let names: BTreeSet<&str> = ids.iter().map(|id| id.name()).collect();
        assert_eq!(names.len(), ids.len(), "{list}: an id stands twice");
    }
    for dialect in CLIENT_DIALECTS {
        assert!(client_dialect(dialect.id()).is_some());
    }
}
