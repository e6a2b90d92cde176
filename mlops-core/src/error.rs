//! One error for the whole family: what kind of thing went wrong, where, with which values, and why.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The result of every fallible call of the family.
///
/// ```
/// fn half(n: u32) -> mlops_core::Result<u32> {
///     Ok(n / 2)
/// }
/// assert_eq!(half(4)?, 2);
/// # Ok::<(), mlops_core::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it.
///
/// ```
/// use mlops_core::{Error, ErrorKind};
/// assert_eq!(Error::not_found("registered model", "churn").kind(), ErrorKind::NotFound);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The named thing does not exist.
    NotFound,
    /// A thing of that name exists already.
    AlreadyExists,
    /// An argument is malformed or outside its allowed range.
    InvalidArgument,
    /// Tensors or columns do not fit the declared signature or schema.
    SignatureMismatch,
    /// The state was changed by someone else in between: read it again and retry.
    Conflict,
    /// Stored bytes are damaged, truncated or not of the expected format.
    Corrupt,
    /// The place may not be written or read: a read-only folder, missing rights.
    PermissionDenied,
    /// A resource is busy, full or shut down.
    Unavailable,
    /// A deadline passed.
    DeadlineExceeded,
    /// The request is valid, but this implementation does not offer it.
    Unsupported,
    /// A fault of the implementation or its environment that no argument can cure.
    Internal,
}

impl ErrorKind {
    /// The name in `snake_case`, as it appears in logs and in JSON.
    ///
    /// ```
    /// assert_eq!(mlops_core::ErrorKind::SignatureMismatch.as_str(), "signature_mismatch");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::InvalidArgument => "invalid_argument",
            Self::SignatureMismatch => "signature_mismatch",
            Self::Conflict => "conflict",
            Self::Corrupt => "corrupt",
            Self::PermissionDenied => "permission_denied",
            Self::Unavailable => "unavailable",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

/// The error of every fallible call in the family: a [kind](ErrorKind), the operation that failed,
/// the values that it concerned, and the cause.
///
/// ```
/// use mlops_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Corrupt, "digest does not match")
///     .operation("load model")
///     .context("model", "churn");
/// assert_eq!(error.to_string(), "load model: digest does not match (model: churn)");
/// assert!(!error.is_retryable());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: Option<Cow<'static, str>>,
    message: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind. `message` is lower case, without a full stop, and holds the value
    /// and the allowed range.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: None,
            message: message.into(),
            context: Vec::new(),
            source: None,
        }))
    }

    /// [`ErrorKind::InvalidArgument`] with this message.
    ///
    /// ```
    /// let error = mlops_core::Error::invalid("alpha must lie in (0, 1), got 1.5");
    /// assert_eq!(error.to_string(), "alpha must lie in (0, 1), got 1.5");
    /// ```
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// [`ErrorKind::NotFound`]: there is no `what` called `name`.
    ///
    /// ```
    /// let error = mlops_core::Error::not_found("alias", "champion");
    /// assert_eq!(error.to_string(), "there is no alias \"champion\"");
    /// ```
    pub fn not_found(what: &str, name: impl fmt::Display) -> Self {
        Self::new(
            ErrorKind::NotFound,
            format!("there is no {what} \"{name}\""),
        )
    }

    /// [`ErrorKind::AlreadyExists`]: there is a `what` called `name` already.
    ///
    /// ```
    /// let error = mlops_core::Error::already_exists("experiment", "demo");
    /// assert_eq!(error.to_string(), "there is already an experiment \"demo\"");
    /// ```
    pub fn already_exists(what: &str, name: impl fmt::Display) -> Self {
        let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) {
            "an"
        } else {
            "a"
        };
        Self::new(
            ErrorKind::AlreadyExists,
            format!("there is already {article} {what} \"{name}\""),
        )
    }

    /// The operation that failed, as a verb phrase: "load model". The outermost call wins.
    #[must_use]
    pub fn operation(mut self, operation: impl Into<Cow<'static, str>>) -> Self {
        self.0.operation = Some(operation.into());
        self
    }

    /// A value that the error concerns.
    #[must_use]
    pub fn context(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((key, value.to_string()));
        self
    }

    /// The cause.
    ///
    /// ```
    /// use std::error::Error as _;
    /// use mlops_core::{Error, ErrorKind};
    ///
    /// let cause = std::io::Error::other("disk full");
    /// let error = Error::new(ErrorKind::Unavailable, "cannot write the log").source(cause);
    /// assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "disk full");
    /// ```
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later, or after the state was read again.
    ///
    /// ```
    /// use mlops_core::{Error, ErrorKind};
    /// assert!(Error::new(ErrorKind::Conflict, "the alias was moved meanwhile").is_retryable());
    /// ```
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Conflict | ErrorKind::Unavailable | ErrorKind::DeadlineExceeded
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = &self.0.operation {
            write!(f, "{operation}: ")?;
        }
        f.write_str(&self.0.message)?;
        for (index, (key, value)) in self.0.context.iter().enumerate() {
            let lead = if index == 0 { " (" } else { ", " };
            write!(f, "{lead}{key}: {value}")?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = format!("{}: {self}", self.0.kind.as_str());
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            let text = error.to_string();
            // Often the message is its cause's own.
            if !said.contains(&text) {
                said = format!("{said}: {text}");
            }
            cause = error.source();
        }
        f.write_str(&said)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// A number outside its allowed range: the error of the small validated types.
///
/// ```
/// use mlops_core::evidence::SignificanceLevel;
/// let error = SignificanceLevel::new(1.5).unwrap_err();
/// assert_eq!(error.to_string(), "alpha must lie in (0, 1), got 1.5");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{what} must lie in {range}, got {value}")]
pub struct OutOfRange {
    /// The argument's name.
    pub what: &'static str,
    /// The allowed range.
    pub range: Cow<'static, str>,
    /// What was given.
    pub value: f64,
}

impl OutOfRange {
    /// `value` was given for `what`, which must lie in `range`.
    ///
    /// ```
    /// let error = mlops_core::OutOfRange::new("share", "(0, 1)", 2.0);
    /// assert_eq!(error.to_string(), "share must lie in (0, 1), got 2");
    /// ```
    pub fn new(what: &'static str, range: impl Into<Cow<'static, str>>, value: f64) -> Self {
        Self {
            what,
            range: range.into(),
            value,
        }
    }
}

impl From<OutOfRange> for Error {
    fn from(error: OutOfRange) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        use arrow::error::ArrowError;
        let kind = match &error {
            ArrowError::SchemaError(_) | ArrowError::InvalidArgumentError(_) => {
                ErrorKind::InvalidArgument
            }
            ArrowError::NotYetImplemented(_) => ErrorKind::Unsupported,
            ArrowError::ParseError(_) | ArrowError::ParquetError(_) => ErrorKind::Corrupt,
            _ => ErrorKind::Internal,
        };
        Self::new(kind, error.to_string()).source(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(ErrorKind::Corrupt, format!("malformed JSON: {error}")).source(error)
    }
}
