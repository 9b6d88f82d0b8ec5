// Package layout holds the tests that keep the shape of the tree true; it exports nothing.
//
// They read the packages as the go command lists them and promise that
//
//   - every package stands on one floor, imports only lower floors and, within its floor, only what stands before it
//     (floors_test.go is that table, with the reason beside each exception);
//   - roles do not import each other, nor do adapters, and an example is a module of its own that uses the public packages;
//   - the pure packages import nothing that knows a clock, a disk, a network or chance, start no goroutine, hold no float
//     and never let a map's order decide anything;
//   - every package says in its doc comment what it promises, every file can be read in one sitting,
//     the links of every page lead somewhere, and no test sleeps on a real clock.
package layout
