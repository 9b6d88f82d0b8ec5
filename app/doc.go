// Package app wires Trine's parts into daemons. It is the only place that knows
// concrete types: which store, which signers, which chain adapters.
//
// A daemon is one [Config], read strictly from a TOML file, run by [Run]. What it starts
// and stops, and in which order, stands in one list in order.go. [Check] dials
// everything that a daemon would use and names what is wrong, without starting it.
package app
