//! Whether a force has the shapes that it is said to be drawn after.
