//! What a backup promises: the same bytes back, or an error that names the file.
