//! What a node among those that share rooms has done, as Prometheus reads it. Servers that are no node show nothing of it.
//!
//! Not here: what it does; that is `backplane`.

use super::text::{count, gauge, labelled};
use crate::backplane::Node;
use core::fmt;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

pub(super) fn nodes(encoder: &mut DescriptorEncoder<'_>, node: &Node) -> fmt::Result {
    let figures = node.figures();
    let help = "Whether the broker can be reached: 1, or 0";
    gauge(encoder, "backplane_up", None, help, figures.is_up.into())?;
    let help = "Other nodes; none, when the broker has been away for some seconds";
    let others = node.others().len() as u64;
    gauge(encoder, "backplane_other_nodes", None, help, others)?;
    let help = "Connections that are open on other nodes";
    let elsewhere = node.online_elsewhere() as u64;
    gauge(
        encoder,
        "backplane_connections_elsewhere",
        None,
        help,
        elsewhere,
    )?;
    let help = "Bytes that wait for the broker";
    let queued = figures.queued_bytes as u64;
    gauge(
        encoder,
        "backplane_queued",
        Some(&Unit::Bytes),
        help,
        queued,
    )?;

    let help = "How often the broker was reached";
    let mut metric =
        encoder.encode_descriptor("backplane_sessions", help, None, MetricType::Counter)?;
    count(&mut metric, figures.sessions.into())?;

    let help = "Messages for other nodes, and of other nodes that were told here";
    let mut metric =
        encoder.encode_descriptor("backplane_messages", help, None, MetricType::Counter)?;
    for (direction, number) in [("out", figures.published), ("in", figures.heard)] {
        labelled(&mut metric, &[("direction", direction)], number)?;
    }

    let help = "Gaps in what other nodes said";
    let mut metric =
        encoder.encode_descriptor("backplane_gaps", help, None, MetricType::Counter)?;
    count(&mut metric, figures.gaps)?;

    let help = "What went wrong: messages dropped as too much waited, missed of others, come again, or not understood; and how often loops had more to say than could wait";
    let mut metric =
        encoder.encode_descriptor("backplane_faults", help, None, MetricType::Counter)?;
    for (kind, number) in [
        ("dropped", figures.dropped),
        ("missed", figures.missed),
        ("repeated", figures.repeated),
        ("refused", figures.refused),
        ("overflow", figures.overflows),
    ] {
        labelled(&mut metric, &[("kind", kind)], number)?;
    }
    Ok(())
}
