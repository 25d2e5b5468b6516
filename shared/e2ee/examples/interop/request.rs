//! A request line and its fields.

use chopar_e2ee::keys::X25519Secret;
use chopar_identity::{KeyError, X25519Public};
use serde_json::Value;

use crate::fault::Fault;

/// One JSON object.
pub(crate) struct Request(serde_json::Map<String, Value>);

impl Request {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Fault> {
        match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Fault::malformed("a request is a JSON object")),
            Err(error) => Err(Fault::malformed(error)),
        }
    }

    /// The field, `None` where it is absent or null.
    fn field(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str, Fault> {
        let value = self.field(name).ok_or_else(|| missing(name))?;
        value.as_str().ok_or_else(|| wrong(name, "text"))
    }

    pub(crate) fn number(&self, name: &str) -> Result<u64, Fault> {
        let value = self.field(name).ok_or_else(|| missing(name))?;
        value.as_u64().ok_or_else(|| wrong(name, "a number"))
    }

    pub(crate) fn object(&self, name: &str) -> Result<Self, Fault> {
        match self.field(name) {
            Some(Value::Object(fields)) => Ok(Self(fields.clone())),
            Some(_) => Err(wrong(name, "an object")),
            None => Err(missing(name)),
        }
    }

    pub(crate) fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        self.bytes_if_any(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn bytes_if_any(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.field(name).map(|value| from_hex(name, value)).transpose()
    }

    pub(crate) fn array<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, Fault> {
        let bytes = self.bytes_if_any(name)?;
        bytes.map(|bytes| exact(name, &bytes)).transpose()
    }

    pub(crate) fn secret_if_any(&self, name: &str) -> Result<Option<X25519Secret>, Fault> {
        Ok(self.array(name)?.map(X25519Secret::from_bytes))
    }

    pub(crate) fn secret(&self, name: &str) -> Result<X25519Secret, Fault> {
        self.secret_if_any(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn public_if_any(&self, name: &str) -> Result<Option<X25519Public>, Fault> {
        self.bytes_if_any(name)?.map(|bytes| public(&bytes)).transpose()
    }

    pub(crate) fn public(&self, name: &str) -> Result<X25519Public, Fault> {
        self.public_if_any(name)?.ok_or_else(|| missing(name))
    }

    /// A list of private keys, empty where the field is absent.
    pub(crate) fn secrets(&self, name: &str) -> Result<Vec<[u8; 32]>, Fault> {
        match self.field(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values
                .iter()
                .map(|value| exact(name, &from_hex(name, value)?))
                .collect(),
            Some(_) => Err(wrong(name, "a list")),
        }
    }
}

fn public(bytes: &[u8]) -> Result<X25519Public, Fault> {
    X25519Public::parse(bytes).map_err(|error| match error {
        KeyError::LowOrder(_) => Fault::new("non-contributory", error),
        _ => Fault::malformed(error),
    })
}

fn from_hex(name: &str, value: &Value) -> Result<Vec<u8>, Fault> {
    let text = value.as_str().ok_or_else(|| wrong(name, "hex"))?;
    hex::decode(text).map_err(|_| wrong(name, "hex"))
}

fn exact<const N: usize>(name: &str, bytes: &[u8]) -> Result<[u8; N], Fault> {
    bytes
        .try_into()
        .map_err(|_| Fault::malformed(format!("{name} has {} bytes instead of {N}", bytes.len())))
}

fn missing(name: &str) -> Fault {
    Fault::malformed(format!("{name} is missing"))
}

fn wrong(name: &str, kind: &str) -> Fault {
    Fault::malformed(format!("{name} is not {kind}"))
}
