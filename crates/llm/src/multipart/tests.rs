use super::*;

const TYPE: &str = "multipart/form-data; boundary=\"x-1\"";
const FORM: &str = "--x-1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a \\b.wav\"\r\n\
    Content-Type: audio/wav\r\n\r\nRIFF\r\n--x-2--x-1-\r\n-\r\n--x-\r\n--x-1\r\n\
    content-disposition: form-data;name=model\r\n\r\nwhisper\r\n--x-1\r\n\
    Content-Disposition: form-data; name=\"n\"\r\n\r\n\r\n--x-1--\r\n";

fn read(content_type: &str, pieces: &[&[u8]]) -> Result<Option<Model>, FormError> {
    let mut form = Form::new(content_type)?;
    pieces.iter().try_for_each(|piece| form.feed(piece))?;
    form.finish()?;
    Ok(form.model().cloned())
}

/// What comes of a form that consists of these parts, as their heads and contents.
fn of(parts: &[(&str, &str)]) -> Result<Option<Model>, FormError> {
    let mut form = String::new();
    for (head, content) in parts {
        form.push_str(&format!("--x-1\r\n{head}\r\n\r\n{content}\r\n"));
    }
    read(TYPE, &[form.as_bytes(), b"--x-1--"])
}

fn field(parameters: &str) -> String {
    format!("Content-Disposition: form-data; {parameters}")
}

#[test]
fn finds_the_model_wherever_the_form_is_cut() {
    let bytes = FORM.as_bytes();
    let start = FORM.find("whisper").unwrap() as u64;
    let model = Some(Model { name: "whisper".into(), range: start..start + 7 });
    assert_eq!(read(TYPE, &[bytes]), Ok(model.clone()));
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(read(TYPE, &[head, tail]), Ok(model.clone()), "cut at {cut}");
        for other in cut..=bytes.len().min(cut + 12) {
            let (middle, tail) = tail.split_at(other - cut);
            assert_eq!(read(TYPE, &[head, middle, tail]), Ok(model.clone()), "{cut}, {other}");
        }
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(TYPE, &single), Ok(model));
}

#[test]
fn knows_the_model_as_soon_as_it_was_there() {
    let mut form = Form::new(TYPE).unwrap();
    form.feed(FORM.split_inclusive("whisper\r\n--x-1").next().unwrap().as_bytes()).unwrap();
    assert_eq!(form.model().unwrap().name, "whisper");
}

#[test]
fn keeps_no_more_than_the_line_at_hand() {
    let mut form = Form::new(TYPE).unwrap();
    form.feed(b"--x-1\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n").unwrap();
    for _ in 0..1000 {
        form.feed(&[b'-'; 10_000]).unwrap();
        assert!(form.held.len() < 10, "{}", form.held.len());
    }
}

#[test]
fn a_form_may_have_no_model() {
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&[(&field("name=\"purpose\""), "batch")]), Ok(None));
}

#[test]
fn a_form_that_is_cut_short_is_none() {
    for cut in 0..FORM.len() - 2 {
        let outcome = read(TYPE, &[&FORM.as_bytes()[..cut]]);
        assert_eq!(outcome, Err(FormError::CutShort { at: cut as u64 }), "cut at {cut}");
    }
}

#[test]
fn refuses_a_second_model_in_any_case() {
    let model = field("name=\"model\"");
    for second in ["name=\"model\"", "name=MODEL", "name=\"Model\"; filename=\"a\""] {
        let parts = [(&*model, "cheap"), (&*field(second), "dear")];
        assert_eq!(of(&parts), Err(FormError::ModelTwice), "{second}");
    }
    assert_eq!(of(&[(&field("name=Model"), "a"), (&model, "b")]), Err(FormError::ModelTwice));
}

#[test]
fn refuses_a_model_that_is_no_name() {
    for (parameters, value) in [
        ("name=model; filename=a", "whisper"),
        ("name=model", ""),
        ("name=model", "a\nb"),
        ("name=model", &*"m".repeat(LONGEST_MODEL + 1)),
        ("name=model", &*"m".repeat(100_000)),
    ] {
        assert_eq!(of(&[(&field(parameters), value)]), Err(FormError::ModelNotText));
    }
}

#[test]
fn refuses_what_is_for_whoever_routes_the_request() {
    for name in ["api_base", "Api_Key", "num_retries", "fallbacks"] {
        let refused = of(&[(&field(&format!("name=\"{name}\"")), "x")]).unwrap_err();
        assert_eq!(refused.param(), Some(&*name.to_ascii_lowercase()));
    }
}

#[test]
fn refuses_heads_that_two_could_read_differently() {
    let folded = format!("{}\r\n x: y", field("name=a"));
    let twice = format!("{}\r\n{}", field("name=a"), field("name=model"));
    let encoded = format!("{}\r\nContent-Transfer-Encoding: base64", field("name=model"));
    let spaced = field("name=a").replacen(':', " :", 1);
    let lines = field("name=a").replace("; ", ";\n");
    for head in [
        &*folded,
        &*twice,
        &*encoded,
        &*spaced,
        &*lines,
        "x: y",
        "",
        "no colon",
        "Content-Disposition: form-data",
        "Content-Disposition: attachment; name=a",
        &*field("filename=a"),
        &*field("name=a; name=model"),
        &*field("name=a; name*=UTF-8''model"),
        &*field("name=\"mo\\del\""),
        &*field("name=a; filename=\"b\\\"; name=model; c=\""),
        &*field("name=\"a"),
        &*field("name=\"a\"b"),
        &*field("name=a\"b"),
        &*field("name=a b=c"),
        &*field("name"),
        &*field(&format!("name=a; filename={}", "a".repeat(LONGEST_HEAD))),
    ] {
        let outcome = of(&[(head, "x")]);
        assert!(matches!(outcome, Err(FormError::Malformed { .. })), "{head:?}: {outcome:?}");
    }
}

#[test]
fn refuses_boundaries_in_doubtful_places() {
    let head = field("name=a");
    let smuggled = "Content-Disposition: form-data; name=model\r\n\r\nm\r\n";
    for form in [
        format!("preamble\r\n--x-1\r\n{head}\r\n\r\na\r\n--x-1--"),
        format!("\r\n--x-1\r\n{head}\r\n\r\na\r\n--x-1--"),
        format!("--x-1\n{head}\r\n\r\na\r\n--x-1--"),
        format!("--x-1 \r\n{head}\r\n\r\na\r\n--x-1--"),
        format!("--x-1\r\n{head}\r\n\r\na\n--x-1\r\n{smuggled}--x-1--"),
        format!("--x-1\r\n{head}\r\n\r\na\r--x-1\r\n{smuggled}--x-1--"),
        format!("--x-1\r\n{head}\r\n\r\n--x-1\r\n{smuggled}--x-1--"),
        format!("--x-1\r\n{head}\r\n\r\na\r\n--x-12\r\n{smuggled}--x-1--"),
        format!("--x-1\r\n{head}\r\n\r\na\r\n--x-1--\r\n--x-1\r\n{smuggled}--x-1--"),
    ] {
        for pieces in [vec![form.as_bytes()], form.as_bytes().chunks(1).collect()] {
            let outcome = read(TYPE, &pieces);
            assert!(matches!(outcome, Err(FormError::Malformed { .. })), "{form:?}: {outcome:?}");
        }
    }
}

#[test]
fn a_boundary_within_a_line_is_content() {
    let form = of(&[(&field("name=a"), "a --x-1\r\nb--x-1--"), (&field("name=model"), "m")]);
    assert_eq!(form.unwrap().unwrap().name, "m");
}

#[test]
fn knows_a_form_by_its_type() {
    assert!(is_form("Multipart/Form-Data; boundary=a"));
    assert!(is_form("multipart/form-data"));
    assert!(!is_form("multipart/mixed; boundary=a"));
    assert!(!is_form("application/json"));
}

#[test]
fn takes_a_boundary_that_can_be_one() {
    for good in
        ["boundary=a", "charset=utf-8; Boundary=\"a b\"", "boundary=----WebKit'()+_,-./:=?0"]
    {
        assert!(Form::new(&format!("multipart/form-data; {good}")).is_ok(), "{good}");
    }
    let long = format!("boundary={}", "a".repeat(71));
    for bad in [
        "",
        "boundary=",
        "boundary=\"\"",
        "boundary=a; boundary=b",
        "boundary=\"a ",
        "boundary=\"a \"",
        "boundary=\"a\u{e4}\"",
        &long,
    ] {
        let outcome = Form::new(&format!("multipart/form-data; {bad}"));
        assert_eq!(outcome.err(), Some(FormError::NoBoundary), "{bad}");
    }
}
