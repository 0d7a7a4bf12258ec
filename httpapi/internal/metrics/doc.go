// Package metrics counts what a server does, for Prometheus. Names and units are as
// https://prometheus.io/docs/practices/naming has them: seconds, and _total behind counters.
package metrics
