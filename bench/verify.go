package main

import (
	"context"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/siwe"
)

// measureVerify compares siwe.Verify, on one core, with what it cannot do
// without: one Keccak of the message and one recovery of the key. The other methods that
// sign follow.
func measureVerify(ctx context.Context, m *machine, t *table) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	people, err := newWallets(1)
	if err != nil {
		return err
	}
	w := people[0]
	attempts := method.NewAttempts("a secret of the operator")
	browser := method.Requester{Browser: identity.HashSecret("a flow value"), Origin: ownOrigin}
	for _, c := range []struct {
		what    string
		message siwe.Message
	}{
		{"siwe.Verify against recovery and Keccak", siwe.Message{}},
		{"the same, every optional field", siwe.Message{
			Scheme: "https", Statement: "I accept the Terms of Service: https://app.example.com/tos",
			RequestID: new("4f2a91c0"), Resources: []string{"https://app.example.com/tos?version=3", "ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/"},
		}},
	} {
		now := time.Now().UTC()
		attempt, err := method.Begin(method.ByWallet, identity.ProviderSIWE, identity.PurposeSignIn, browser, now)
		if err != nil {
			return err
		}
		nonce, err := attempts.Seal(attempt)
		if err != nil {
			return err
		}
		message := c.message
		message.Domain, message.URI, message.ChainID = "app.example.com", ownOrigin, 1
		message.Address, message.Nonce, message.IssuedAt, message.ExpirationTime = crypto.PubkeyToAddress(w.key.PublicKey), nonce, now, &attempt.ExpiresAt
		text, err := siwe.Build(message)
		if err != nil {
			return err
		}
		signature, err := w.sign(text)
		if err != nil {
			return err
		}
		expectation := siwe.Expectation{
			Domain: message.Domain, Origin: ownOrigin, Chains: []uint64{1}, Now: now,
			Nonce: func(n string) error {
				_, err := attempts.Open(method.ByWallet, n, identity.ProviderSIWE, browser, now)
				return err
			},
		}
		ratios, err := interleaveCalls(ctx, m.options, func() error {
			_, _, err := siwe.Verify(ctx, text, signature, expectation)
			return err
		}, recoverOnly(text, signature))
		if err != nil {
			return err
		}
		t.atLeast(0.7, quantile(ratios, 0.5), c.what, "%s; quartiles %.2f to %.2f of %d rounds, one core, %d bytes",
			siwe.Secp256k1, quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios), len(text))
	}
	if err := measureSolana(ctx, m, t, attempts, browser); err != nil {
		return err
	}
	return measurePasskey(ctx, m, t, attempts, browser)
}

func recoverOnly(text, signature string) func() error {
	sig := hexutil.MustDecode(signature)
	sig[64] -= 27
	prefixed := []byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(text)) + text)
	return func() error {
		_, err := crypto.Ecrecover(crypto.Keccak256(prefixed), sig)
		return err
	}
}

// interleaveCalls returns how many calls of ours fit into the time of one of
// theirs, a round at a time.
func interleaveCalls(ctx context.Context, o options, ours, theirs func() error) ([]float64, error) {
	const calls = 100
	const share = 4 // a fraction of the duration: this part is quiet by itself
	var ratios []float64
	for end := time.Now().Add(o.duration / share); time.Now().Before(end) && ctx.Err() == nil; {
		var took [2]float64
		for j := range took {
			side := j
			if len(ratios)%2 == 1 {
				side = 1 - j
			}
			call := [2]func() error{ours, theirs}[side]
			start := ownTime()
			for range calls {
				if err := call(); err != nil {
					return nil, err
				}
			}
			took[side] = (ownTime() - start).Seconds()
		}
		ratios = append(ratios, took[1]/took[0])
	}
	return ratios, ctx.Err()
}

var begun = time.Now()

// ownTime is the CPU time of this process, garbage collection included, which
// neighbours do not disturb; where it cannot be had, the clock.
func ownTime() time.Duration {
	if used, err := cpuTime(os.Getpid()); err == nil {
		return used
	}
	return time.Since(begun)
}
