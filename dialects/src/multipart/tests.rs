use proptest::prelude::*;

use super::*;

const BOUNDARY: &str = "XyZ0";

fn form_of(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (header, content) in parts {
        body.extend_from_slice(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {header}\r\n\r\n").as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn scan(body: &[u8], sizes: &[usize]) -> Result<Form, ApiError> {
    let mut scanner = FormScanner::new(BOUNDARY);
    let (mut rest, mut sizes) = (body, sizes.iter().cycle());
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(sizes.next().map_or(1, |size| (*size).clamp(1, rest.len())));
        scanner.push(piece)?;
        rest = tail;
    }
    scanner.finish()
}

fn edited(body: &[u8], edit: Option<Edit>) -> Vec<u8> {
    let Some(edit) = edit else { return body.to_vec() };
    let (start, end) = (usize::try_from(edit.at.start).unwrap(), usize::try_from(edit.at.end).unwrap());
    [&body[..start], &edit.text, &body[end..]].concat()
}

fn refused(body: &[u8]) -> String {
    let error = scan(body, &[body.len()]).unwrap_err();
    assert_eq!(scan(body, &[1]).unwrap_err(), error, "in single bytes");
    error.message
}

#[test]
fn fields_and_files_are_found_and_only_the_model_changes() {
    let sound = b"RIFF\r\n--Xy\r\n\r\n--\0\xff";
    let body = form_of(&[
        ("name=\"file\"; filename=\"a \\\"b\\\".wav\"\r\nContent-Type: audio/wav", sound),
        ("name=model", b"public/name"),
        ("name=\"response_format\"", b"verbose_json"),
        ("name=\"timestamp_granularities[]\"", b"word"),
        ("name=\"stream\"", b"true"),
    ]);
    let form = scan(&body, &[body.len()]).unwrap();
    assert_eq!(form.field("model"), Some("public/name"));
    assert_eq!((form.field("response_format"), form.flag("stream")), (Some("verbose_json"), Ok(true)));
    let [file] = form.files.as_slice() else { panic!("{form:?}") };
    assert_eq!(
        (file.name.as_str(), file.filename.as_str(), file.content_type.as_str()),
        ("file", "a \"b\".wav", "audio/wav")
    );
    assert_eq!(&body[usize::try_from(file.at.start).unwrap()..usize::try_from(file.at.end).unwrap()], sound);

    let sent = edited(&body, form.with_model("whisper-1"));
    let at = memchr::memmem::find(&body, b"public/name").unwrap();
    assert_eq!(sent, [&body[..at], b"whisper-1", &body[at + "public/name".len()..]].concat());
    assert_eq!(scan(&sent, &[7]).unwrap().field("model"), Some("whisper-1"));
    assert_eq!(form.with_model("public/name"), None, "nothing to change");
}

#[test]
fn a_model_is_added_where_the_path_named_it_and_taken_out_where_it_was_for_us() {
    let body = form_of(&[("name=\"file\"; filename=\"a\"", b"x")]);
    let sent = edited(&body, scan(&body, &[3]).unwrap().with_model("m"));
    let form = scan(&sent, &[3]).unwrap();
    assert_eq!((form.field("model"), form.files.len()), (Some("m"), 1));

    let body =
        form_of(&[("name=\"purpose\"", b"batch"), ("name=\"model\"", b"m"), ("name=\"file\"; filename=\"a\"", b"x")]);
    let sent = edited(&body, scan(&body, &[3]).unwrap().without("model"));
    assert_eq!(sent, form_of(&[("name=\"purpose\"", b"batch"), ("name=\"file\"; filename=\"a\"", b"x")]));
}

#[test]
fn what_two_readers_could_read_differently_is_refused() {
    for (body, reason) in [
        (form_of(&[("name=\"model\"", b"a"), ("name=\"model\"", b"b")]), "twice"),
        (form_of(&[("name=\"model\"; name=\"x\"", b"a")]), "two names"),
        (form_of(&[("name=\"x\"; name*=utf-8''model", b"a")]), "extended"),
        (form_of(&[("name=\"Model\"", b"a")]), "unusual"),
        (form_of(&[("name=\"model\"; filename=\"m\"", b"a")]), "not a file"),
        (
            form_of(&[("name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"", b"a")]),
            "two `content-disposition`",
        ),
        (form_of(&[("name=\"model\"\r\nContent-Transfer-Encoding: base64", b"YQ==")]), "encoded"),
        (
            form_of(&[(
                "name=\"file\"; filename=\"f\"",
                b"x\n--XyZ0\nContent-Disposition: form-data; name=\"model\"\n\nb",
            )]),
            "inside a part",
        ),
        (form_of(&[("name=\"file\"; filename=\"f\"", b"x\r\n--XyZ0more\r\n")]), "followed by"),
        ([b"\r\n".as_slice(), &form_of(&[("name=\"model\"", b"a")])].concat(), "does not begin"),
    ] {
        let message = refused(&body);
        assert!(message.contains(reason), "{message} for {}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn a_form_without_end_or_sense_is_refused() {
    let whole = form_of(&[("name=\"model\"", b"a")]);
    for cut in 0..whole.len() - 4 {
        assert!(scan(&whole[..cut], &[5]).is_err(), "cut at {cut}");
    }
    let long = form_of(&[("name=\"prompt\"", &vec![b'x'; 300_000])]);
    assert!(refused(&long).contains("longer than"));
    let many: Vec<(&str, &[u8])> = vec![("name=\"x\"", b"y"); 300];
    assert!(refused(&form_of(&many)).contains("too many"));
    let header = format!("name=\"x\"\r\nA: {}", "b".repeat(20_000));
    assert!(refused(&form_of(&[(&header, b"y")])).contains("too long"));
}

#[test]
fn a_boundary_is_read_from_the_content_type() {
    let of = |text| boundary(text).map(|found| found.ok());
    assert_eq!(of("multipart/form-data; boundary=abc"), Some(Some("abc".into())));
    assert_eq!(of("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\""), Some(Some("a b:c".into())));
    assert_eq!(of("application/json"), None);
    for bad in [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=ä",
    ] {
        assert_eq!(of(bad), Some(None), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same_form(
        contents in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'X'), Just(b'y'), any::<u8>()], 0..40), 1..5),
        sizes in proptest::collection::vec(1_usize..9, 1..6),
    ) {
        let names = ["name=\"file\"; filename=\"a\"", "name=\"image[]\"; filename=\"b\"\r\nContent-Type: image/png", "name=\"x\"", "name=\"y\""];
        let mut parts: Vec<(&str, &[u8])> = names.iter().zip(&contents).map(|(name, content)| (*name, content.as_slice())).collect();
        parts.insert(parts.len() / 2, ("name=\"model\"", b"m"));
        let body = form_of(&parts);
        let whole = scan(&body, &[body.len()]);
        prop_assert_eq!(scan(&body, &sizes), whole.clone());
        if let Ok(form) = whole {
            prop_assert_eq!(form.field("model"), Some("m"));
            for (file, content) in form.files.iter().zip(&contents) {
                let at = usize::try_from(file.at.start).unwrap()..usize::try_from(file.at.end).unwrap();
                prop_assert_eq!(&body[at], content.as_slice());
            }
        }
    }

    #[test]
    fn any_bytes_do_no_harm(body in proptest::collection::vec(any::<u8>(), 0..200), sizes in proptest::collection::vec(1_usize..9, 1..4)) {
        let body = [b"--XyZ0\r\n".as_slice(), &body].concat();
        prop_assert_eq!(scan(&body, &sizes), scan(&body, &[body.len()]));
    }
}
