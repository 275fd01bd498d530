//! Why the proxy answered by itself: the status and the `segue-reason` that go together.

use http::StatusCode;

/// The header that tells the proxy's own answers from an instance's.
pub const HEADER: &str = "segue-reason";

/// Every answer that the proxy gives by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// No instance takes requests.
    NoInstance,
    /// Every instance refused the connection.
    ConnectRefused,
    /// No instance took the connection in time.
    ConnectTimeout,
    /// The instance ended its connection before it answered.
    InstanceClosed,
    /// What the instance sent is not an HTTP answer.
    BadAnswer,
    /// The instance did not begin its answer in time.
    AnswerTimeout,
    /// The drain's deadline ended the request.
    Cut,
    /// The client sent nothing of its body for too long.
    BodyTimeout,
    /// The client's body broke off or was malformed.
    BadBody,
    /// The request's head is too large.
    HeaderTooLarge,
    /// The request is not HTTP, or ambiguous.
    BadRequest,
    /// The request's target is too long.
    TargetTooLong,
    /// A method that a reverse proxy does not carry (CONNECT).
    MethodNotCarried,
    /// The request's body has a transfer coding beside `chunked`.
    CodingNotCarried,
    /// More client connections than allowed.
    TooManyConnections,
    /// The proxy has no file descriptor left for a connection to an instance.
    OutOfFileDescriptors,
}

/// How many reasons there are.
pub(crate) const COUNT: usize = 16;

impl Reason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Reason; COUNT] = [
        Reason::NoInstance,
        Reason::ConnectRefused,
        Reason::ConnectTimeout,
        Reason::InstanceClosed,
        Reason::BadAnswer,
        Reason::AnswerTimeout,
        Reason::Cut,
        Reason::BodyTimeout,
        Reason::BadBody,
        Reason::HeaderTooLarge,
        Reason::BadRequest,
        Reason::TargetTooLong,
        Reason::MethodNotCarried,
        Reason::CodingNotCarried,
        Reason::TooManyConnections,
        Reason::OutOfFileDescriptors,
    ];

    /// The value of `segue-reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::NoInstance => "no-instance",
            Reason::ConnectRefused => "connect-refused",
            Reason::ConnectTimeout => "connect-timeout",
            Reason::InstanceClosed => "instance-closed",
            Reason::BadAnswer => "bad-answer",
            Reason::AnswerTimeout => "answer-timeout",
            Reason::Cut => "cut-at-deadline",
            Reason::BodyTimeout => "body-timeout",
            Reason::BadBody => "bad-body",
            Reason::HeaderTooLarge => "header-too-large",
            Reason::BadRequest => "bad-request",
            Reason::TargetTooLong => "target-too-long",
            Reason::MethodNotCarried => "method-not-carried",
            Reason::CodingNotCarried => "coding-not-carried",
            Reason::TooManyConnections => "too-many-connections",
            Reason::OutOfFileDescriptors => "out-of-file-descriptors",
        }
    }

    /// The status that goes with it (RFC 9110 sections 15.5 and 15.6).
    pub const fn status(self) -> StatusCode {
        match self {
            Reason::NoInstance | Reason::TooManyConnections | Reason::OutOfFileDescriptors => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Reason::ConnectRefused | Reason::InstanceClosed | Reason::BadAnswer => StatusCode::BAD_GATEWAY,
            Reason::ConnectTimeout | Reason::AnswerTimeout | Reason::Cut => StatusCode::GATEWAY_TIMEOUT,
            Reason::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Reason::BadBody | Reason::BadRequest => StatusCode::BAD_REQUEST,
            Reason::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Reason::TargetTooLong => StatusCode::URI_TOO_LONG,
            Reason::MethodNotCarried | Reason::CodingNotCarried => StatusCode::NOT_IMPLEMENTED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_kebab_case_word_and_an_error_status() {
        let words: std::collections::HashSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), COUNT);
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
            assert!(reason.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(reason.status().is_client_error() || reason.status().is_server_error());
        }
    }
}
