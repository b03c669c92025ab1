//! What sees spans of `tracing` and makes spans of OpenTelemetry out of them.
//!
//! A span with the field `trace.id` may be the first one of a trace here: it is when [`Trace::begin_at`](super::Trace::begin_at)
//! says so. Those of the target [`TARGET`] within it are the others. It may be a span of the log: what the log need not say of
//! it is said by an event of that target, whose fields become those of the span.
//!
//! Fields are attributes, but for these:
//!
//! | field                                     | what it is                                                   |
//! |-------------------------------------------|--------------------------------------------------------------|
//! | `trace.id`, `trace.parent`, `trace.state` | the trace that begins                                        |
//! | `otel.name`, `otel.kind`                  | another name; `server` or `client`                           |
//! | `ended`                                   | it has ended, though somebody may still hold it              |
//!
//! A span with an `error.type` has failed. Other events are not sent.

use std::{fmt::Debug, sync::Arc};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::{
    TARGET,
    queue::Queue,
    span::{Place, Span, SpanKind, Value, next_id},
};

/// The layer.
#[derive(Debug)]
pub struct Traces {
    queue: Arc<Queue>,
}

/// Lets those spans through that may begin a trace here, or are within one.
#[derive(Clone, Copy, Debug)]
struct Recorded;

/// What the registry keeps of a span: its place for those within it, and all of it until it has ended.
struct Seen {
    place: Place,
    open: Option<Span>,
}

/// What the fields of a span say.
#[derive(Default)]
struct Said {
    trace: Option<u128>,
    parent: u64,
    state: String,
    name: Option<String>,
    kind: SpanKind,
    has_ended: bool,
    attributes: Vec<(&'static str, Value)>,
}

impl Traces {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        Self { queue }
    }

    /// Takes to a span what is said of it.
    fn hear(&self, said: Said, seen: &mut Seen) {
        let has_ended = said.has_ended;
        if let Some(open) = &mut seen.open {
            said.into(open);
        }
        if has_ended && let Some(open) = seen.open.take() {
            self.queue.put(open.ended());
        }
    }

    /// The layer with its filter, for any subscriber.
    #[must_use]
    pub fn filtered<S>(self) -> impl Layer<S> + Send + Sync
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.with_filter(Recorded)
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Filter<S> for Recorded {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        let is_recorded = || context.lookup_current().is_some_and(|span| span.extensions().get::<Seen>().is_some());
        may_begin(metadata) || metadata.target() == TARGET && (metadata.is_event() || is_recorded())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.target() == TARGET {
            _ if may_begin(metadata) => Interest::always(),
            true if metadata.is_event() => Interest::always(),
            true => Interest::sometimes(),
            false => Interest::never(),
        }
    }
}

fn may_begin(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.fields().field("trace.id").is_some()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Traces {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let parent = span.parent().and_then(|parent| Some(parent.extensions().get::<Seen>()?.place.clone()));
        let Some(parent) = parent else { return };
        let mut said = Said::default();
        attributes.record(&mut said);
        let place = Place { span: next_id(), ..parent.clone() };
        let mut open = Span::begin(place.clone(), parent.span, span.name());
        said.into(&mut open);
        span.extensions_mut().insert(Seen { place, open: Some(open) });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = context.event_span(event) else { return };
        let mut said = Said::default();
        event.record(&mut said);
        let mut extensions = span.extensions_mut();
        if let Some(trace) = said.trace {
            let place = Place { trace, span: next_id(), state: said.state.as_str().into() };
            let open = Span::begin(place.clone(), said.parent, span.name());
            extensions.replace(Seen { place, open: Some(open) });
        }
        if let Some(seen) = extensions.get_mut::<Seen>() {
            self.hear(said, seen);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut said = Said::default();
        values.record(&mut said);
        if let Some(seen) = span.extensions_mut().get_mut::<Seen>() {
            self.hear(said, seen);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let seen = span.extensions_mut().remove::<Seen>();
        if let Some(open) = seen.and_then(|seen| seen.open) {
            self.queue.put(open.ended());
        }
    }
}

impl Said {
    /// Says it of a span.
    fn into(self, span: &mut Span) {
        if let Some(name) = self.name {
            span.name = name;
        }
        if self.kind != SpanKind::default() {
            span.kind = self.kind;
        }
        for (name, value) in self.attributes {
            span.say(name, value);
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, text: &str) {
        match (field.name(), text) {
            ("trace.state", state) => state.clone_into(&mut self.state),
            ("otel.name", name) => self.name = Some(name.to_owned()),
            ("otel.kind", "server") => self.kind = SpanKind::Server,
            ("otel.kind", "client") => self.kind = SpanKind::Client,
            // The message of an event, which has none of ours.
            ("message", _) => {}
            (name, text) => self.attributes.push((name, Value::text(text))),
        }
    }

    fn record_u128(&mut self, field: &Field, number: u128) {
        if field.name() == "trace.id" {
            self.trace = Some(number);
        }
    }

    fn record_u64(&mut self, field: &Field, number: u64) {
        match field.name() {
            "trace.parent" => self.parent = number,
            name => self.attributes.push((name, Value::Number(i64::try_from(number).unwrap_or(i64::MAX)))),
        }
    }

    fn record_i64(&mut self, field: &Field, number: i64) {
        self.attributes.push((field.name(), Value::Number(number)));
    }

    fn record_bool(&mut self, field: &Field, is_so: bool) {
        match field.name() {
            "ended" => self.has_ended = is_so,
            name => self.attributes.push((name, Value::Truth(is_so))),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
