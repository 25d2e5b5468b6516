//! Names that people give: parsed once, at the form and at the relay, by the same rules.

mod display;
mod handle;

pub use display::{DeviceName, DisplayName, NameError, disturbs};
pub use handle::{Handle, HandleError};
