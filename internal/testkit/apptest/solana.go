package apptest

import (
	"net/http"

	"github.com/latchkey/latchkey/internal/testkit/solanatest"
)

// SolanaChallenge asks for a text that is ready for the wallet.
func (b *Browser) SolanaChallenge(w solanatest.Wallet, purpose string) *Answer {
	b.T.Helper()
	return b.POST("/v1/auth/solana/challenge", map[string]any{"address": w.Address, "purpose": purpose})
}

// Solana proves the wallet for a purpose and returns the answer of verify.
func (b *Browser) Solana(w solanatest.Wallet, purpose string) *Answer {
	b.T.Helper()
	message := b.SolanaChallenge(w, purpose).Want(http.StatusOK).String("message")
	return b.POST("/v1/auth/solana/verify", map[string]any{"message": message, "signature": w.Sign(message)})
}
