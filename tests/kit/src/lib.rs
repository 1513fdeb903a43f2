//! Sandbox, wheel builder and loopback servers that the tests of dhtl share.
