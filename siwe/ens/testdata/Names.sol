// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// A minimal ENS for tests, which put Registry's code where mainnet has the real
// registry. Who may write what is left out: the tests write everything.

contract Registry {
    mapping(bytes32 => address) public resolver;

    function setResolver(bytes32 node, address r) external {
        resolver[node] = r;
    }
}

contract Resolver {
    mapping(bytes32 => address) public addr;
    mapping(bytes32 => string) public name;
    mapping(bytes32 => mapping(string => string)) public text;

    function setAddr(bytes32 node, address a) external {
        addr[node] = a;
    }

    function setName(bytes32 node, string calldata n) external {
        name[node] = n;
    }

    function setText(bytes32 node, string calldata key, string calldata value) external {
        text[node][key] = value;
    }
}

/// Does with each function what it was told to, whatever the arguments are.
contract Puppet {
    enum Act {
        Return,
        Revert,
        Loop,
        ReturnZeros,
        RevertZeros,
        InvalidOpcode,
        OffchainLookup,
        Write
    }

    struct Script {
        Act act;
        bytes data;
        uint256 size;
    }

    error OffchainLookup(address sender, string[] urls, bytes callData, bytes4 callbackFunction, bytes extraData);

    mapping(bytes4 => Script) private scripts;

    function teach(bytes4 selector, Act act, bytes calldata data, uint256 size) external {
        scripts[selector] = Script(act, data, size);
    }

    fallback() external {
        Script memory s = scripts[msg.sig];
        bytes memory data = s.data;
        uint256 size = s.size;
        if (s.act == Act.Return) assembly { return(add(data, 32), mload(data)) }
        if (s.act == Act.Revert) assembly { revert(add(data, 32), mload(data)) }
        if (s.act == Act.Loop) assembly { for {} 1 {} {} }
        if (s.act == Act.ReturnZeros) assembly { return(0x1000, size) }
        if (s.act == Act.RevertZeros) assembly { revert(0x1000, size) }
        if (s.act == Act.InvalidOpcode) assembly { invalid() }
        if (s.act == Act.OffchainLookup) {
            string[] memory urls = new string[](1);
            urls[0] = string(data); // where the test listens
            revert OffchainLookup(address(this), urls, msg.data, this.teach.selector, "");
        }
        while (true) scripts[msg.sig].size++;
    }
}
