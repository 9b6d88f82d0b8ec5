// Package storetest is the suite that every store backend passes. [Run] holds a backend
// against the promises of package store, [RunModel] against a model of them, [RunCrash] holds one that can be cut off from its
// power against what must survive.
package storetest
