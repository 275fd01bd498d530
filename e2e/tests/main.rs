//! One module per promise, its name a sentence; all of them in one program, so that they link once.
