//! The tree that Go makes of a regular expression (`regexp/syntax`, `Parse` and `Simplify`), as far as it decides which plain texts Loki searches
//! for instead: neighbouring letters become one literal, alternatives give up a common beginning, single letters become a class.

/// A part of a regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub op: Op,
    /// Letters match in any case.
    pub fold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Empty,
    Literal(Vec<char>),
    /// Its characters, where they are few; `None` for any other class.
    Class(Option<Vec<char>>),
    /// `.` that matches no line break.
    AnyInLine,
    Any,
    /// `^`, `\b` and the like.
    Assertion,
    Capture(Box<Node>),
    Star(Box<Node>),
    Plus(Box<Node>),
    Optional(Box<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
}

/// The most characters of a class that are told apart.
const FEW: usize = 4;

/// The tree of a regular expression that Go accepts.
pub fn parse(pattern: &str) -> Node {
    let mut reader = Reader { rest: pattern, stack: Vec::new(), flags: Flags::default() };
    while let Some(c) = reader.bump() {
        reader.piece(c);
    }
    let node = reader.close();
    simplified(node)
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    dot_is_all: bool,
}

enum Item {
    Node(Node),
    /// `|`
    Bar,
    /// `(`; whether it captures, and the flags outside.
    Paren(bool, Flags),
}

struct Reader<'a> {
    rest: &'a str,
    stack: Vec<Item>,
    flags: Flags,
}

impl Reader<'_> {
    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn piece(&mut self, c: char) {
        match c {
            '(' => self.open(),
            ')' => {
                let inner = self.close();
                if let Some(Item::Paren(captures, outside)) = self.stack.pop() {
                    self.flags = outside;
                    if captures {
                        self.push(Op::Capture(Box::new(inner)));
                    } else {
                        self.push_node(inner);
                    }
                }
            }
            '|' => self.bar(),
            '[' => self.class(),
            '.' => self.push(if self.flags.dot_is_all { Op::Any } else { Op::AnyInLine }),
            '^' | '$' => self.push(Op::Assertion),
            '*' => self.repeat(0, None),
            '+' => self.repeat(1, None),
            '?' => self.repeat(0, Some(1)),
            '{' => match repetition(self.rest) {
                Some((min, max, rest)) => {
                    self.rest = rest;
                    self.counted(min, max);
                }
                None => self.literal('{'),
            },
            '\\' => self.escape(),
            c => self.literal(c),
        }
    }

    fn literal(&mut self, c: char) {
        let mut lower = c.to_lowercase();
        let c = match (lower.next(), lower.next()) {
            (Some(lower), None) if self.flags.fold => lower,
            _ => c,
        };
        self.push(Op::Literal(vec![c]));
    }

    fn push(&mut self, op: Op) {
        self.push_node(Node { op, fold: self.flags.fold });
    }

    /// Puts a node on the stack; before that, the two on top become one where both are literals.
    fn push_node(&mut self, mut node: Node) {
        if let Op::Class(Some(members)) = &node.op {
            match members[..] {
                [single] => node = Node { op: Op::Literal(vec![single]), fold: false },
                // A letter in both cases.
                [upper, lower] if is_pair(upper, lower) => node = Node { op: Op::Literal(vec![lower]), fold: true },
                _ => {}
            }
        }
        self.merge_literals();
        self.stack.push(Item::Node(node));
    }

    fn merge_literals(&mut self) {
        let [.., Item::Node(first), Item::Node(second)] = &mut self.stack[..] else { return };
        if let (Op::Literal(before), Op::Literal(after)) = (&mut first.op, &mut second.op)
            && first.fold == second.fold
        {
            before.append(after);
            self.stack.pop();
        }
    }

    /// A group, or flags from here on.
    fn open(&mut self) {
        let outside = self.flags;
        if !self.rest.starts_with('?') {
            self.stack.push(Item::Paren(true, outside));
            return;
        }
        self.eat("?");
        if self.eat("P<") || self.eat("<") {
            self.rest = self.rest.split_once('>').map_or("", |(_, rest)| rest);
            self.stack.push(Item::Paren(true, outside));
            return;
        }
        let mut on = true;
        while let Some(c) = self.bump() {
            match c {
                'i' => self.flags.fold = on,
                's' => self.flags.dot_is_all = on,
                '-' => on = false,
                ':' => return self.stack.push(Item::Paren(false, outside)),
                ')' => return,
                _ => {}
            }
        }
    }

    /// The nodes since the last bar or parenthesis as one.
    fn concat(&mut self) {
        self.merge_literals();
        let start = self.stack.iter().rposition(|item| !matches!(item, Item::Node(_))).map_or(0, |at| at + 1);
        let nodes = self.nodes_from(start);
        let node = match nodes.len() {
            0 => Node { op: Op::Empty, fold: false },
            _ => collapsed(nodes, false),
        };
        self.push_node(node);
    }

    fn nodes_from(&mut self, start: usize) -> Vec<Node> {
        let nodes = self.stack.drain(start..);
        nodes.filter_map(|item| if let Item::Node(node) = item { Some(node) } else { None }).collect()
    }

    fn bar(&mut self) {
        self.concat();
        if !self.swap_bar() {
            self.stack.push(Item::Bar);
        }
    }

    /// Keeps the bar on top of the alternatives so far. A character behind it joins the one before.
    fn swap_bar(&mut self) -> bool {
        if let [.., Item::Node(before), Item::Bar, Item::Node(after)] = &mut self.stack[..]
            && is_character(before)
            && is_character(after)
        {
            *before = united(before, after);
            self.stack.pop();
            return true;
        }
        let length = self.stack.len();
        if let [.., Item::Bar, Item::Node(_)] = self.stack[..] {
            self.stack.swap(length - 2, length - 1);
            return true;
        }
        false
    }

    /// All alternatives since the last parenthesis.
    fn close(&mut self) -> Node {
        self.concat();
        if self.swap_bar() {
            self.stack.pop();
        }
        let start = self.stack.iter().rposition(|item| matches!(item, Item::Paren(..))).map_or(0, |at| at + 1);
        let nodes = self.nodes_from(start);
        let node = collapsed(nodes, true);
        // A class of one letter, or of one letter in both cases, becomes a literal where it is put back.
        self.push_node(node);
        match self.stack.pop() {
            Some(Item::Node(node)) => node,
            _ => Node { op: Op::Empty, fold: false },
        }
    }

    fn repeat(&mut self, min: u32, max: Option<u32>) {
        self.eat("?");
        let Some(Item::Node(node)) = self.stack.pop() else { return };
        let node = Box::new(node);
        let op = match (min, max) {
            (0, None) => Op::Star(node),
            (1, None) => Op::Plus(node),
            _ => Op::Optional(node),
        };
        self.stack.push(Item::Node(Node { op, fold: self.flags.fold }));
    }

    fn counted(&mut self, min: u32, max: Option<u32>) {
        self.eat("?");
        let Some(Item::Node(node)) = self.stack.pop() else { return };
        self.stack.push(Item::Node(Node { op: Op::Repeat(Box::new(node), min, max), fold: self.flags.fold }));
    }

    fn escape(&mut self) {
        let Some(c) = self.bump() else { return };
        match c {
            'A' | 'z' | 'b' | 'B' => self.push(Op::Assertion),
            'Q' => {
                let (text, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = rest;
                text.chars().for_each(|c| self.literal(c));
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => self.push(Op::Class(None)),
            'p' | 'P' => {
                if self.bump() == Some('{') {
                    self.rest = self.rest.split_once('}').map_or("", |(_, rest)| rest);
                }
                self.push(Op::Class(None));
            }
            'C' => self.push(Op::Any),
            c => match self.escaped(c) {
                Some(c) => self.literal(c),
                None => self.push(Op::Class(None)),
            },
        }
    }

    /// The character that an escape stands for; its letter was read.
    fn escaped(&mut self, c: char) -> Option<char> {
        Some(match c {
            'a' => '\x07',
            'f' => '\x0C',
            't' => '\t',
            'n' => '\n',
            'r' => '\r',
            'v' => '\x0B',
            'x' if self.eat("{") => {
                let (digits, rest) = self.rest.split_once('}')?;
                self.rest = rest;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            'x' => {
                let (digits, rest) = self.rest.split_at_checked(2)?;
                self.rest = rest;
                char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
            }
            '0'..='7' => {
                let mut code = c.to_digit(8)?;
                for _ in 0..2 {
                    let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.bump();
                }
                char::from_u32(code)?
            }
            c if c.is_ascii_alphanumeric() => return None,
            c => c,
        })
    }

    /// A class whose bracket was read.
    fn class(&mut self) {
        let mut members = if self.eat("^") { None } else { Some(Vec::new()) };
        let mut first = true;
        while let Some(c) = self.bump() {
            if c == ']' && !first {
                break;
            }
            first = false;
            if c == '[' && self.rest.starts_with(':') {
                self.rest = self.rest.split_once(":]").map_or("", |(_, rest)| rest);
                members = None;
                continue;
            }
            let low = if c == '\\' { self.class_escape() } else { Some(c) };
            let mut high = low;
            let ranges = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if ranges {
                self.bump();
                high = self.bump().and_then(|c| if c == '\\' { self.class_escape() } else { Some(c) });
            }
            members = match (members, low, high) {
                (Some(mut members), Some(low), Some(high)) if (low..=high).take(FEW + 1).count() <= FEW => {
                    members.extend(low..=high);
                    Some(members)
                }
                _ => None,
            };
        }
        let fold = self.flags.fold;
        self.push(Op::Class(members.and_then(|members| few(members, fold))));
    }

    fn class_escape(&mut self) -> Option<char> {
        let c = self.bump()?;
        if matches!(c, 'p' | 'P') && self.bump() == Some('{') {
            self.rest = self.rest.split_once('}').map_or("", |(_, rest)| rest);
            return None;
        }
        if matches!(c, 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P') { None } else { self.escaped(c) }
    }
}

/// The members of a class in order, each once, in both cases where case does not matter.
fn few(mut members: Vec<char>, fold: bool) -> Option<Vec<char>> {
    if fold {
        // Some letters have more than two cases.
        if members.iter().any(|c| !c.is_ascii() || matches!(c.to_ascii_lowercase(), 'k' | 's')) {
            return None;
        }
        let upper: Vec<char> = members.iter().map(char::to_ascii_uppercase).collect();
        members.iter_mut().for_each(|c| c.make_ascii_lowercase());
        members.extend(upper);
    }
    members.sort_unstable();
    members.dedup();
    (!members.is_empty() && members.len() <= FEW).then_some(members)
}

fn is_pair(upper: char, lower: char) -> bool {
    upper.is_ascii_uppercase() && upper.to_ascii_lowercase() == lower && !matches!(lower, 'k' | 's')
}

/// `{2}`, `{2,}`, `{2,5}`, whose brace was read: the counts, and what follows.
fn repetition(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (inner, rest) = text.split_once('}')?;
    let count = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten();
    match inner.split_once(',') {
        None => count(inner).map(|count| (count, Some(count), rest)),
        Some((min, "")) => Some((count(min)?, None, rest)),
        Some((min, max)) => Some((count(min)?, Some(count(max)?), rest)),
    }
}

/// A node that matches one character.
fn is_character(node: &Node) -> bool {
    match &node.op {
        Op::Literal(letters) => letters.len() == 1,
        Op::Class(_) | Op::AnyInLine | Op::Any => true,
        _ => false,
    }
}

/// One node for either of two that match one character.
fn united(a: &Node, b: &Node) -> Node {
    let rank = |node: &Node| match node.op {
        Op::Any => 3,
        Op::AnyInLine => 2,
        Op::Class(_) => 1,
        _ => 0,
    };
    let (more, less) = if rank(b) > rank(a) { (b, a) } else { (a, b) };
    let op = match (&more.op, &less.op) {
        (Op::Any, _) => Op::Any,
        (Op::AnyInLine, Op::Literal(letters)) if letters[..] == ['\n'] => Op::Any,
        // A class may hold the line break; neither is a text.
        (Op::AnyInLine, _) => Op::AnyInLine,
        (Op::Literal(x), Op::Literal(y)) if x == y && more.fold == less.fold => return more.clone(),
        _ => {
            let members = |node: &Node| match &node.op {
                Op::Literal(letters) => few(letters.clone(), node.fold),
                Op::Class(members) => members.clone(),
                _ => None,
            };
            let both = members(more).zip(members(less));
            Op::Class(both.and_then(|(mut a, b)| {
                a.extend(b);
                few(a, false)
            }))
        }
    };
    Node { op, fold: more.fold }
}

/// Several nodes as one, those of the same kind among them taken apart.
fn collapsed(nodes: Vec<Node>, alternate: bool) -> Node {
    let mut parts = Vec::with_capacity(nodes.len());
    let only = nodes.len() == 1;
    for node in nodes {
        match node.op {
            _ if only => return node,
            Op::Concat(inner) if !alternate => parts.extend(inner),
            Op::Alternate(inner) if alternate => parts.extend(inner),
            _ => parts.push(node),
        }
    }
    if !alternate {
        return Node { op: Op::Concat(parts), fold: false };
    }
    let mut parts = factored(parts);
    match parts.pop() {
        Some(single) if parts.is_empty() => single,
        Some(last) => {
            parts.push(last);
            Node { op: Op::Alternate(parts), fold: false }
        }
        None => Node { op: Op::Empty, fold: false },
    }
}

/// Alternatives, common beginnings taken out of neighbours, neighbouring characters united, and neighbouring empty ones once. (A common
/// class at the beginning stays; whether it is taken out makes no text of it.)
fn factored(parts: Vec<Node>) -> Vec<Node> {
    let mut out: Vec<Node> = Vec::new();
    let mut run: Vec<Node> = Vec::new();
    let (mut prefix, mut fold): (Vec<char>, bool) = (Vec::new(), false);
    for part in parts {
        let (text, part_fold) = leading(&part);
        let same = text.iter().zip(&prefix).take_while(|(a, b)| a == b).count();
        if same > 0 && part_fold == fold {
            prefix.truncate(same);
            run.push(part);
            continue;
        }
        let (text, part_fold) = (text.to_vec(), part_fold);
        end_run(std::mem::take(&mut run), &prefix, fold, &mut out);
        (prefix, fold) = (text, part_fold);
        run.push(part);
    }
    end_run(run, &prefix, fold, &mut out);
    let mut united_parts: Vec<Node> = Vec::with_capacity(out.len());
    for part in out {
        match united_parts.last_mut() {
            Some(last) if is_character(last) && is_character(&part) => *last = united(last, &part),
            Some(last) if last.op == Op::Empty && part.op == Op::Empty => {}
            _ => united_parts.push(part),
        }
    }
    united_parts
}

fn end_run(mut run: Vec<Node>, prefix: &[char], fold: bool, out: &mut Vec<Node>) {
    if run.len() < 2 {
        out.append(&mut run);
        return;
    }
    let rest = run.into_iter().map(|node| without_leading(node, prefix.len())).collect();
    let prefix = Node { op: Op::Literal(prefix.to_vec()), fold };
    out.push(Node { op: Op::Concat(vec![prefix, collapsed(rest, true)]), fold: false });
}

/// The literal that a node begins with.
fn leading(node: &Node) -> (&[char], bool) {
    match &node.op {
        Op::Literal(letters) => (letters, node.fold),
        Op::Concat(parts) => match parts.first() {
            Some(Node { op: Op::Literal(letters), fold }) => (letters, *fold),
            _ => (&[], false),
        },
        _ => (&[], false),
    }
}

/// A node without the first letters of the literal that it begins with.
fn without_leading(node: Node, count: usize) -> Node {
    match node.op {
        Op::Literal(letters) if letters.len() == count => Node { op: Op::Empty, fold: node.fold },
        Op::Literal(letters) => Node { op: Op::Literal(letters[count..].to_vec()), fold: node.fold },
        Op::Concat(mut parts) => {
            let first = without_leading(parts.remove(0), count);
            if first.op != Op::Empty {
                parts.insert(0, first);
            } else if parts.len() == 1 {
                return parts.remove(0);
            }
            Node { op: Op::Concat(parts), fold: node.fold }
        }
        _ => node,
    }
}

/// Counted repetitions written out, and repetitions of nothing, or of the same repetition, once (`Regexp.Simplify`).
fn simplified(node: Node) -> Node {
    let fold = node.fold;
    let again = |inner: Box<Node>, repeat: fn(Box<Node>) -> Op| {
        let inner = simplified(*inner);
        let op = repeat(Box::new(Node { op: Op::Empty, fold: false }));
        let same = std::mem::discriminant(&op) == std::mem::discriminant(&inner.op);
        if same || inner.op == Op::Empty { inner } else { Node { op: repeat(Box::new(inner)), fold } }
    };
    let op = match node.op {
        Op::Capture(inner) => Op::Capture(Box::new(simplified(*inner))),
        Op::Concat(parts) => Op::Concat(parts.into_iter().map(simplified).collect()),
        Op::Alternate(parts) => Op::Alternate(parts.into_iter().map(simplified).collect()),
        Op::Star(inner) => return again(inner, Op::Star),
        Op::Plus(inner) => return again(inner, Op::Plus),
        Op::Optional(inner) => return again(inner, Op::Optional),
        Op::Repeat(inner, min, max) => match (min, max) {
            (0, Some(0)) => Op::Empty,
            (1, Some(1)) => return simplified(*inner),
            (0, None) => return again(inner, Op::Star),
            (1, None) => return again(inner, Op::Plus),
            (0, Some(1)) => return again(inner, Op::Optional),
            // What several of them become is no text in any case: only that there are several matters.
            _ => {
                let inner = simplified(*inner);
                if inner.op == Op::Empty {
                    return inner;
                }
                Op::Concat(vec![inner.clone(), inner])
            }
        },
        op => op,
    };
    Node { op, fold }
}
