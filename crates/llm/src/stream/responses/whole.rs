//! A complete response as the events that say the same.

use serde_json::{Value, json};

use crate::stream::wire;

/// `response` as a stream; `None` where it did not come to its end.
pub(super) fn as_stream(response: &Value) -> Option<String> {
    let end = match response["status"].as_str()? {
        "completed" => "response.completed",
        "incomplete" => "response.incomplete",
        _ => return None,
    };
    let items = response["output"].as_array()?;
    let mut begun = response.clone();
    begun["status"] = "in_progress".into();
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;

    let mut events = Vec::new();
    for kind in ["response.created", "response.in_progress"] {
        events.push(json!({ "type": kind, "response": begun }));
    }
    for (index, item) in items.iter().enumerate() {
        let from = events.len();
        events.extend(item_events(item)?);
        for event in events.iter_mut().skip(from) {
            event["output_index"] = index.into();
        }
    }
    events.push(json!({ "type": end, "response": response }));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = number.into();
    }
    Some(events.iter().map(wire::named).collect())
}

/// The events of one item.
fn item_events(item: &Value) -> Option<Vec<Value>> {
    let mut begun = item.clone();
    let mut within = Vec::new();
    let id = &item["id"];
    match item["type"].as_str()? {
        "message" => {
            begun["status"] = "in_progress".into();
            begun["content"] = json!([]);
            for (index, part) in item["content"].as_array()?.iter().enumerate() {
                let from = within.len();
                within.extend(part_events(part));
                for event in within.iter_mut().skip(from) {
                    event["item_id"] = id.clone();
                    event["content_index"] = index.into();
                }
            }
        }
        "function_call" => {
            begun["status"] = "in_progress".into();
            begun["arguments"] = "".into();
            let arguments = &item["arguments"];
            within.push(json!({
                "type": "response.function_call_arguments.delta", "item_id": id, "delta": arguments,
            }));
            within.push(json!({
                "type": "response.function_call_arguments.done", "item_id": id,
                "arguments": arguments,
            }));
        }
        // Told as a whole when it is begun.
        _ => {}
    }
    let mut events = vec![json!({ "type": "response.output_item.added", "item": begun })];
    events.append(&mut within);
    events.push(json!({ "type": "response.output_item.done", "item": item }));
    Some(events)
}

/// The events of one part of a message.
fn part_events(part: &Value) -> Vec<Value> {
    let mut begun = part.clone();
    let mut within = Vec::new();
    if part["type"] == "output_text" {
        let text = &part["text"];
        begun["text"] = "".into();
        begun["annotations"] = json!([]);
        within.push(json!({
            "type": "response.output_text.delta", "delta": text, "logprobs": [],
        }));
        for (index, annotation) in part["annotations"].as_array().into_iter().flatten().enumerate()
        {
            within.push(json!({
                "type": "response.output_text.annotation.added",
                "annotation_index": index, "annotation": annotation,
            }));
        }
        within.push(json!({
            "type": "response.output_text.done", "text": text, "logprobs": [],
        }));
    } else if part["type"] == "refusal" {
        begun["refusal"] = "".into();
        let refusal = &part["refusal"];
        within.push(json!({ "type": "response.refusal.delta", "delta": refusal }));
        within.push(json!({ "type": "response.refusal.done", "refusal": refusal }));
    }
    let mut events = vec![json!({ "type": "response.content_part.added", "part": begun })];
    events.append(&mut within);
    events.push(json!({ "type": "response.content_part.done", "part": part }));
    events
}
