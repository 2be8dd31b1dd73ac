// Package ledger is the engine: it admits signed submissions, has them ordered, executes
// them on built-in contracts, seals the results, appends them to a transparency log, signs
// the head and hands out receipts.
//
//	admit -> Orderer -> check -> execute -> seal -> checkpoint -> Store.Append -> receipt
//
// It promises that nothing is answered before it is durable under a signed checkpoint,
// that every currency sums to zero after every batch, and that the same batches give the
// same leaves on every node and at every replay. It declares Store and Orderer and knows no
// implementation of either. One goroutine, inside Run, owns the state; everything else
// reads snapshots. DESIGN.md in this folder tells what a crash at each step means.
package ledger
