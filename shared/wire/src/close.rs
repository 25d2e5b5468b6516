//! WebSocket close codes of the relay. 4000 to 4999 is the range for applications (RFC 6455, section 7.4.2).

/// Why the relay closed a connection, and so what the client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseCode {
    /// The same device signed in on a newer connection: do not reconnect by yourself.
    Replaced,
    /// The relay is stopping: reconnect with backoff.
    GoingAway,
    /// Too many or too large frames: reconnect with backoff.
    Overloaded,
    /// This device was revoked: do not reconnect.
    Revoked,
    /// No sign-in within the deadline.
    SignInTimeout,
    /// The client does not read fast enough; its messages are kept.
    SlowReader,
    /// Bytes that were not a frame, repeatedly.
    Malformed,
    /// An administrator suspended this device or its account: the next sign-in is refused, and says so.
    Suspended,
}

impl CloseCode {
    /// The number on the wire.
    pub const fn code(self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::Replaced => 4001,
            Self::Overloaded => 4002,
            Self::Revoked => 4003,
            Self::SignInTimeout => 4004,
            Self::SlowReader => 4005,
            Self::Malformed => 4006,
            Self::Suspended => 4007,
        }
    }

    /// The code for a number, if it is one of ours.
    pub const fn from_code(code: u16) -> Option<Self> {
        Some(match code {
            1001 => Self::GoingAway,
            4001 => Self::Replaced,
            4002 => Self::Overloaded,
            4003 => Self::Revoked,
            4004 => Self::SignInTimeout,
            4005 => Self::SlowReader,
            4006 => Self::Malformed,
            4007 => Self::Suspended,
            _ => return None,
        })
    }

    /// Whether a client that was closed with this code may reconnect without being asked.
    pub const fn may_reconnect(self) -> bool {
        !matches!(self, Self::Replaced | Self::Revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_map_back() {
        for code in [
            CloseCode::GoingAway,
            CloseCode::Replaced,
            CloseCode::Overloaded,
            CloseCode::Revoked,
            CloseCode::SignInTimeout,
            CloseCode::SlowReader,
            CloseCode::Malformed,
            CloseCode::Suspended,
        ] {
            assert_eq!(CloseCode::from_code(code.code()), Some(code));
        }
        assert_eq!(CloseCode::from_code(1000), None);
    }
}
