//! The field at fault is found whatever stands before it, and whichever message it is of.

use super::RefusedKind::BadRequest;
use super::*;

const PAIR: OpenAiToAnthropic = OpenAiToAnthropic;

#[test]
fn what_stands_in_strings_leads_nobody_astray() {
    for said in ["\"", "say \"[{\" \\", "\\\"}],\\", "a: b, c", "\n\n"] {
        let asked = chat(json!({"messages": [{"role": "user", "content": said}],
            "temperature": "hot"}));
        assert_eq!(refused(&PAIR, &asked), (BadRequest, "temperature".into()), "{said}");
        let asked = chat(json!({"messages": [{"a\"b": said, "role": "user", "tool_calls": 7}]}));
        assert_eq!(refused(&PAIR, &asked), (BadRequest, "messages[0].tool_calls".into()), "{said}");
        let asked = chat(json!({"messages": [{"content": said}, {"content": said}]}));
        assert_eq!(refused(&PAIR, &asked), (BadRequest, "messages[0].role".into()), "{said}");
    }
}

#[test]
fn takes_results_of_the_last_turns_calls_only() {
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let result = json!({"role": "tool", "tool_call_id": "a", "content": "1"});
    let user = json!({"role": "user", "content": "Hi"});
    let calls = json!({"role": "assistant", "tool_calls": [call]});
    let answer = json!({"role": "assistant", "content": "One."});
    for late in [&user, &answer] {
        let asked = json!({"model": "ours", "messages": [user, calls, result, late, result]});
        assert_eq!(refused(&PAIR, &asked), (BadRequest, "messages[4].tool_call_id".into()));
    }
}
