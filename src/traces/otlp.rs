//! Spans as OTLP in JSON (OpenTelemetry Protocol 1.x, "JSON Protobuf Encoding"): ids are hexadecimal, and numbers of 64 bits
//! are texts.

use serde_json::{Value as Json, json};

use super::span::{Span, Value};

/// The numbers of a status: nothing is said, and it has failed.
const UNSET: u8 = 0;
const FAILED: u8 = 2;

/// The flags of a trace that is recorded (W3C Trace Context, 3.2.2.5).
const RECORDED: u8 = 1;

/// What is sent for these spans: the body of a request. `instance` tells this process from others.
pub(super) fn request(instance: &str, spans: &[Span]) -> String {
    let text = |text: &str| Value::Text(text.to_owned());
    let resource = [
        ("service.name", text("latchkey")),
        ("service.version", text(env!("CARGO_PKG_VERSION"))),
        ("service.instance.id", text(instance)),
    ];
    json!({
        "resourceSpans": [{
            "resource": {"attributes": attributes(&resource)},
            "scopeSpans": [{
                "scope": {"name": "latchkey", "version": env!("CARGO_PKG_VERSION")},
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
    .to_string()
}

fn span(span: &Span) -> Json {
    let (began, ended) = span.times();
    let parent = if span.parent == 0 { String::new() } else { format!("{:016x}", span.parent) };
    json!({
        "traceId": format!("{:032x}", span.place.trace),
        "spanId": format!("{:016x}", span.place.span),
        "parentSpanId": parent,
        "traceState": &*span.place.state,
        "flags": RECORDED,
        "name": span.name,
        "kind": span.kind as u8,
        "startTimeUnixNano": began.to_string(),
        "endTimeUnixNano": ended.to_string(),
        "attributes": attributes(&span.attributes),
        "status": {"code": if span.has_failed() { FAILED } else { UNSET }},
    })
}

fn attributes(attributes: &[(&'static str, Value)]) -> Json {
    let value = |value: &Value| match value {
        Value::Text(text) => json!({"stringValue": text}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Truth(is_so) => json!({"boolValue": is_so}),
    };
    attributes.iter().map(|(key, said)| json!({"key": key, "value": value(said)})).collect()
}
