use super::*;

const FORM: &str = "--x\r\nContent-Disposition: form-data; name=model\r\n\r\nwhisper\r\n--x\r\n\
    Content-Disposition: form-data; name=file; filename=a\r\n\r\nRIFF whisper\r\n--x--\r\n";
/// Until there the model is known.
const KNOWN: usize = 63;

/// A body that comes in pieces, and may break.
struct Pieces(VecDeque<Result<Bytes, BoxError>>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        let bytes = self.0.iter().flatten().map(|piece| piece.len() as u64).sum();
        SizeHint::with_exact(bytes)
    }
}

/// The upload of a form of which `read` bytes were read, the rest in pieces of `size`.
fn upload(form: &str, read: usize, size: usize, most: u64) -> Upload {
    let mut seen = Form::new("multipart/form-data; boundary=x").unwrap();
    let (head, tail) = form.as_bytes().split_at(read);
    seen.feed(head).unwrap();
    let rest = tail.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Upload::new(Bytes::copy_from_slice(head), Pieces(rest), Some(seen), most)
}

async fn sent(reader: Reader) -> Result<String, UploadError> {
    let told = reader.size_hint().exact();
    let body = reader.collect().await?.to_bytes();
    assert_eq!(told, Some(body.len() as u64), "the length is told beforehand");
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_deployment_gets_its_own_name_for_the_model_and_every_other_byte() {
    for model in ["a", "whisper", "a-much-longer-name"] {
        let expected = FORM.replacen("whisper", model, 1);
        for size in 1..FORM.len() {
            let upload = upload(FORM, KNOWN, size, 1 << 20);
            assert_eq!(upload.model, Some(51..58));
            assert_eq!(sent(upload.reader(model)).await, Ok(expected.clone()), "by {size}");
            assert!(upload.is_read() && upload.is_replayable());
            assert_eq!(sent(upload.reader(model)).await, Ok(expected.clone()), "by {size}");
        }
    }
}

#[tokio::test]
async fn an_attempt_that_broke_off_costs_the_next_nothing() {
    let upload = upload(FORM, KNOWN, 7, 1 << 20);
    for frames in 0..20 {
        let mut reader = upload.reader("m");
        for _ in 0..frames {
            let _ = reader.frame().await;
        }
        assert_eq!(sent(upload.reader("whisper")).await, Ok(FORM.to_owned()));
    }
}

#[tokio::test]
async fn what_is_too_long_to_keep_is_sent_once_and_whole() {
    let known = upload(FORM, KNOWN, 7, 100);
    assert!(!known.is_replayable(), "it says itself how long it is");
    assert_eq!(sent(known.reader("whisper")).await, Ok(FORM.to_owned()));
    assert!(matches!(known.reader("m").collect().await, Err(UploadError::Gone)));
}

#[tokio::test]
async fn what_is_wrong_with_a_form_breaks_it_off() {
    let twice = FORM.replacen("name=file; filename=a", "name=model", 1);
    let cut = &FORM[..FORM.len() - 8];
    for (form, fault) in
        [(&*twice, FormError::ModelTwice), (cut, FormError::CutShort { at: cut.len() as u64 })]
    {
        for size in [1, 7, 1000] {
            let upload = upload(form, KNOWN, size, 1 << 20);
            let fault = UploadError::Form(fault);
            let broken = upload.reader("whisper").collect().await;
            assert_eq!(broken.err(), Some(fault), "by {size}");
            assert_eq!(upload.fault(), Some(fault));
            assert!(!upload.is_replayable());
        }
    }
}

#[tokio::test]
async fn a_caller_who_breaks_off_is_told_from_a_provider_who_does() {
    let pieces = vec![Ok(Bytes::from_static(b"a")), Err("reset".into())];
    let upload = Upload::new(Bytes::new(), Pieces(pieces.into()), None, 1 << 20);
    assert_eq!(upload.fault(), None);
    assert_eq!(upload.reader("m").collect().await.err(), Some(UploadError::Broken));
    assert_eq!(upload.fault(), Some(UploadError::Broken));
    assert!(!upload.is_read());
}

#[test]
fn nothing_is_waited_for_that_is_there() {
    let upload = Upload::new(Bytes::new(), http_body_util::Empty::<Bytes>::new(), None, 0);
    assert!(upload.is_read() && upload.is_replayable());
}
