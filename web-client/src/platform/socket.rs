//! The WebSocket to the relay.

use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::{Exception, scope};

/// Bytes handed to the browser and not yet on their way, at most: a line that takes no more is as good as dead, and the
/// engine sends again after the next sign-in. Thirty-two of the largest frames.
const MAX_UNSENT: u32 = 8 * 1024 * 1024;

/// The close code for "there was none" (RFC 6455, section 7.4.1).
pub const ABNORMAL: u16 = 1006;

/// What happens to a socket.
pub enum SocketEvent {
    /// It is open.
    Opened,
    /// A binary message came.
    Message(Vec<u8>),
    /// It closed, or could not be opened; nothing comes after.
    Closed {
        /// The close code.
        code: u16,
    },
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The socket is not open.
    #[error("the socket is not open")]
    NotOpen,
    /// The line does not take as much as is handed to it.
    #[error("too much is waiting to be sent")]
    Congested,
}

/// One connection. Dropping it closes it, and no event comes any more.
pub struct Socket {
    inner: WebSocket,
    _opened: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _closed: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Begins to open a connection to the page's own relay.
    pub fn open(path: &str, event: impl Fn(SocketEvent) + Clone + 'static) -> Result<Self, Exception> {
        let location = scope().location();
        let scheme = if location.protocol() == "https:" {
            "wss"
        } else {
            "ws"
        };
        let inner = WebSocket::new(&format!("{scheme}://{}{path}", location.host()))?;
        inner.set_binary_type(BinaryType::Arraybuffer);

        let tell = event.clone();
        let opened = Closure::<dyn FnMut()>::new(move || tell(SocketEvent::Opened));
        inner.set_onopen(Some(opened.as_ref().unchecked_ref()));

        let tell = event.clone();
        let message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            // A text message is no frame of any version; like every unknown frame it is skipped.
            if let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() {
                tell(SocketEvent::Message(Uint8Array::new(&buffer).to_vec()));
            }
        });
        inner.set_onmessage(Some(message.as_ref().unchecked_ref()));

        // `error` says nothing that the `close` after it does not say.
        let closed = Closure::<dyn FnMut(CloseEvent)>::new(move |close: CloseEvent| {
            event(SocketEvent::Closed { code: close.code() });
        });
        inner.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Ok(Self {
            inner,
            _opened: opened,
            _message: message,
            _closed: closed,
        })
    }

    /// Hands over one binary message.
    pub fn send(&self, message: &[u8]) -> Result<(), NotSent> {
        if self.inner.ready_state() != WebSocket::OPEN {
            return Err(NotSent::NotOpen);
        }
        if self.inner.buffered_amount() > MAX_UNSENT {
            return Err(NotSent::Congested);
        }
        self.inner
            .send_with_u8_array(message)
            .map_err(|_| NotSent::NotOpen)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        // Throws only for codes that an application must not use; 1000 is the default.
        let _ = self.inner.close();
    }
}
