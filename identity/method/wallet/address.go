package wallet

import (
	"strings"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/identity"
)

// ParseAddress reads an address in any spelling: one case throughout, or mixed case
// that is its EIP-55 checksum.
func ParseAddress(raw string) (common.Address, *identity.Error) {
	digits, prefixed := strings.CutPrefix(strings.Replace(raw, "0X", "0x", 1), "0x")
	address, err := common.NewMixedcaseAddressFromString("0x" + digits)
	if err != nil || !prefixed {
		return common.Address{}, identity.NewError(identity.CodeInvalidRequest, "an address is 0x and 40 hexadecimal digits")
	}
	if !address.ValidChecksum() && digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) {
		return common.Address{}, identity.NewError(identity.CodeInvalidRequest, "an address in mixed case must be its EIP-55 checksum")
	}
	return address.Address(), nil
}
