//! What was counted, as Prometheus reads it (OpenMetrics 1.0).
//!
//! Counters have `_total` behind their name, times are in seconds, sizes in bytes. A close or a refusal of a kind that has
//! not happened is not shown.
//!
//! Not here: the syntax, which is `prometheus-client`'s.

use super::Registry;
use super::figures::Figures;
use super::histogram::{BOUNDS, Histogram};
use super::labels::{CAUSES, CODES, DIRECTIONS, SLOW, STATUSES};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry as Page, Unit};

/// The `Content-Type` of [`Registry::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(super) fn text(registry: &Registry) -> String {
    let mut page = Page::with_prefix("sockeye");
    page.register_collector(Box::new(registry.clone()));
    let mut out = String::new();
    // A `String` takes everything.
    let _ = text::encode(&mut out, &page);
    out
}

impl Collector for Registry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.figures();
        connections(&mut encoder, &figures)?;
        messages(&mut encoder, &figures)?;
        gauge(
            &mut encoder,
            "queued",
            Some(&Unit::Bytes),
            "Bytes that wait for peers that have not read them",
            figures.queued,
        )?;
        times(
            &mut encoder,
            "ping_rtt",
            "Time until a ping was answered",
            &figures.rtt,
        )?;
        times(
            &mut encoder,
            "loop_turn",
            "Time that a turn of a loop took, waiting aside",
            &figures.turn,
        )?;
        #[cfg(feature = "backplane")]
        if let Some(node) = self.shown_node() {
            super::nodes::nodes(&mut encoder, &node)?;
        }
        Ok(())
    }
}

fn connections(encoder: &mut DescriptorEncoder<'_>, figures: &Figures<u64>) -> fmt::Result {
    gauge(
        encoder,
        "connections_open",
        None,
        "Connections that are open",
        figures.open(),
    )?;
    let help = "Connections that were opened";
    let mut metric =
        encoder.encode_descriptor("connections_opened", help, None, MetricType::Counter)?;
    count(&mut metric, figures.opened)?;

    let help =
        "Connections that have ended, by the code of the peer's Close frame and by what ended them";
    let mut metric =
        encoder.encode_descriptor("connections_closed", help, None, MetricType::Counter)?;
    for (code, by_cause) in CODES.iter().zip(&figures.closed) {
        for (cause, ended) in CAUSES.iter().zip(by_cause) {
            if *ended > 0 {
                labelled(&mut metric, &[("code", *code), ("cause", *cause)], *ended)?;
            }
        }
    }

    let help = "Handshakes that were refused, by the status of the answer";
    let mut metric =
        encoder.encode_descriptor("handshakes_refused", help, None, MetricType::Counter)?;
    for (status, refused) in STATUSES.iter().zip(figures.refused) {
        if refused > 0 {
            labelled(&mut metric, &[("status", *status)], refused)?;
        }
    }
    Ok(())
}

fn messages(encoder: &mut DescriptorEncoder<'_>, figures: &Figures<u64>) -> fmt::Result {
    let help = "Messages, those that are sent counted for each peer";
    let mut metric = encoder.encode_descriptor("messages", help, None, MetricType::Counter)?;
    for (direction, number) in DIRECTIONS.iter().zip(figures.messages) {
        labelled(&mut metric, &[("direction", *direction)], number)?;
    }

    let help = "Bytes of messages";
    let mut metric =
        encoder.encode_descriptor("message", help, Some(&Unit::Bytes), MetricType::Counter)?;
    for (direction, number) in DIRECTIONS.iter().zip(figures.bytes) {
        labelled(&mut metric, &[("direction", *direction)], number)?;
    }

    let help = "What became of members of rooms that read too slowly: members closed, messages dropped or replaced by newer ones";
    let mut metric = encoder.encode_descriptor("slow_members", help, None, MetricType::Counter)?;
    for (outcome, number) in SLOW.iter().zip(figures.slow) {
        labelled(&mut metric, &[("outcome", *outcome)], number)?;
    }
    Ok(())
}

pub(super) fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    unit: Option<&Unit>,
    help: &str,
    value: u64,
) -> fmt::Result {
    encoder
        .encode_descriptor(name, help, unit, MetricType::Gauge)?
        .encode_gauge(&value)
}

pub(super) fn labelled(
    metric: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: u64,
) -> fmt::Result {
    count(&mut metric.encode_family(labels)?, value)
}

pub(super) fn count(metric: &mut MetricEncoder<'_>, value: u64) -> fmt::Result {
    metric.encode_counter::<NoLabelSet, u64, u64>(&value, None)
}

fn times(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    times: &Histogram<u64>,
) -> fmt::Result {
    #[expect(
        clippy::cast_precision_loss,
        reason = "bounds are small, and nobody needs the last nanosecond of a sum"
    )]
    let seconds = |number: u64, in_a_second: f64| number as f64 / in_a_second;
    let bounds = BOUNDS
        .iter()
        .map(|bound| seconds(*bound, 1e6))
        .chain([f64::INFINITY]);
    let buckets: alloc::vec::Vec<_> = bounds.zip(times.buckets).collect();
    let mut metric =
        encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    metric.encode_histogram::<NoLabelSet>(seconds(times.sum, 1e9), times.count(), &buckets, None)
}
