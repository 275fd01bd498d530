//! What a peer can get wrong in a WebSocket stream.

/// A breach of RFC 6455. After one, the stream can't be followed any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A reserved bit is set that no negotiated extension gave a meaning.
    #[error("reserved bits {0:#05b} are set without an extension that defines them")]
    ReservedBits(u8),
    /// An opcode that the standard does not define.
    #[error("opcode {0:#x} is not defined")]
    ReservedOpcode(u8),
    /// A close, ping or pong frame without the final bit.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A close, ping or pong frame of more than 125 bytes.
    #[error("a control frame has {0} bytes, at most 125 are allowed")]
    ControlTooLong(u64),
    /// A length that would have fitted a shorter form, or has its highest bit set.
    #[error("the length {0} is not in its shortest form")]
    LengthForm(u64),
    /// A frame longer than this side accepts.
    #[error("a frame has {length} bytes, at most {max} are accepted")]
    FrameTooLong {
        /// What its header says.
        length: u64,
        /// What this side accepts.
        max: u64,
    },
    /// A message that grew longer than this side accepts.
    #[error("a message has more than the {max} bytes that are accepted")]
    MessageTooLong {
        /// What this side accepts.
        max: u64,
    },
    /// A continuation frame outside of a message.
    #[error("a continuation frame continues nothing")]
    NothingToContinue,
    /// A new message began inside of a fragmented one.
    #[error("a new message begins before the last one ended")]
    MessageInsideMessage,
    /// Frames of a client must be masked.
    #[error("a frame from the client is not masked")]
    Unmasked,
    /// Frames of a server must not be masked.
    #[error("a frame from the server is masked")]
    Masked,
    /// Nothing may follow a close frame.
    #[error("a frame follows the close frame")]
    AfterClose,
    /// A close payload is empty or has at least the two bytes of its code.
    #[error("a close frame has a payload of one byte")]
    CloseLength,
    /// A code that must not be sent.
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// A text message or a close reason that is not UTF-8.
    #[error("text is not valid UTF-8")]
    NotUtf8,
}
