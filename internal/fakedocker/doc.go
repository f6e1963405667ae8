// Package fakedocker is a strict stand-in for a Docker Engine (20.10, API 1.41)
// inside the process: it answers the reads that a watcher needs, tells events in
// the Engine's order and with its attributes, and can fail in the ways that
// Engines and socket proxies do. Whatever is not one of those reads is answered
// with 405 and remembered as a violation.
//
// What it answers was compared with a real Engine: the tests beside
// controller/source/docker hold the two side by side. It is for tests and benchmarks only.
package fakedocker
