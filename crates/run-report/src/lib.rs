//! What a bootstrap run is asked for and what it says.
