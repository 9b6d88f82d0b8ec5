package evmtest

import "go.uber.org/goleak"

// Lasting names the goroutines that an Ethereum node in the process starts once for all, or lets run out after it is
// closed: a test that looks for leaks passes them over.
func Lasting() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("github.com/ethereum/go-ethereum/core.(*txSenderCacher).cache"),
		goleak.IgnoreAnyFunction("github.com/syndtr/goleveldb/leveldb.(*DB).mpoolDrain"),
	}
}
