//! Bytes to frames and back. The size bound comes before the decoder sees a byte.

use prost::Message;
use prost::bytes::Bytes;

use crate::limits;
use crate::proto::relay::{ClientFrame, RelayFrame, client_frame, relay_frame};

/// Why bytes are not a frame. Who sent them is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than any frame may be.
    #[error("a frame of {got} bytes came, {limit} is the limit")]
    TooLarge {
        /// Its size in bytes.
        got: usize,
        /// The bound for it.
        limit: usize,
    },
    /// Not protobuf, or a field of the wrong type.
    #[error("the bytes are not a frame")]
    Malformed,
}

/// Decodes what a client sent. A frame kind this side does not know leaves `body` empty; answer it with
/// `REASON_UNKNOWN_KIND`.
///
/// # Errors
/// [`FrameError`]; the connection may go on.
pub fn decode_client(bytes: Bytes) -> Result<ClientFrame, FrameError> {
    bounded(bytes.len(), limits::MAX_SUBMIT_FRAME)?;
    let size = bytes.len();
    let frame = ClientFrame::decode(bytes).map_err(|_| FrameError::Malformed)?;
    match frame.body {
        Some(client_frame::Body::Submit(_) | client_frame::Body::SubmitGroup(_)) => {}
        _ => bounded(size, limits::MAX_FRAME)?,
    }
    Ok(frame)
}

/// Decodes what a relay sent.
///
/// # Errors
/// [`FrameError`]; a client closes the connection and tries again later.
pub fn decode_relay(bytes: Bytes) -> Result<RelayFrame, FrameError> {
    // A relay's answer may carry a whole account log.
    bounded(bytes.len(), limits::MAX_SUBMIT_FRAME)?;
    RelayFrame::decode(bytes).map_err(|_| FrameError::Malformed)
}

/// Encodes a client's frame.
pub fn client(request: u64, body: client_frame::Body) -> Vec<u8> {
    ClientFrame {
        request,
        body: Some(body),
    }
    .encode_to_vec()
}

/// Encodes a relay's frame; `reply_to` is 0 where nobody asked.
pub fn relay(reply_to: u64, body: relay_frame::Body) -> Vec<u8> {
    RelayFrame {
        reply_to,
        body: Some(body),
    }
    .encode_to_vec()
}

fn bounded(got: usize, limit: usize) -> Result<(), FrameError> {
    if got > limit {
        Err(FrameError::TooLarge { got, limit })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::relay::{Ack, Ping};

    #[test]
    fn a_frame_comes_back() {
        let bytes = client(
            7,
            client_frame::Body::Ack(Ack {
                seqs: vec![1, 2, 300],
            }),
        );
        let frame = decode_client(bytes.into()).unwrap();
        assert_eq!(frame.request, 7);
        assert!(matches!(frame.body, Some(client_frame::Body::Ack(a)) if a.seqs == [1, 2, 300]));
    }

    /// P-001.
    #[test]
    fn an_unknown_kind_is_a_frame_without_body() {
        // Field 900, length-delimited, empty: a kind of the future.
        let mut bytes = client(9, client_frame::Body::Ping(Ping {}));
        bytes.truncate(2);
        bytes.extend_from_slice(&[0xa2, 0x38, 0x00]);
        let frame = decode_client(bytes.into()).unwrap();
        assert_eq!(frame.request, 9);
        assert!(frame.body.is_none());
    }

    #[test]
    fn size_is_checked_before_decoding() {
        let long = vec![0xff; limits::MAX_SUBMIT_FRAME + 1];
        assert!(matches!(
            decode_client(long.into()),
            Err(FrameError::TooLarge { .. })
        ));
        assert_eq!(
            decode_client(vec![0xff; 3].into()).err(),
            Some(FrameError::Malformed)
        );
    }
}
