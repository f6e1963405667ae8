// Package status holds what became of everything: the last outcome for each
// service, container and gateway.
//
// In: standings (what is desired and why) from desired, reports from the
// gateways' workers, states from the sources. Out: a Report, read by the HTTP
// API, the commands and the metrics. Safe for concurrent use.
package status
