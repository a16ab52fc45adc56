"""JUnit documents say what passed and what failed, whatever the names are."""

from xml.etree import ElementTree as xml

from hw_bnn.verify.junit import Check, junit_xml


def test_passed_and_failed():
    document = junit_xml("verify", [Check("a", 1.0, None), Check("b", 2.0, "differs\nin 3 frames")])
    root = xml.fromstring(document)
    assert root.attrib == {"tests": "2", "failures": "1", "time": "3.000"}
    cases = root.findall("testsuite/testcase")
    assert [case.get("name") for case in cases] == ["a", "b"]
    assert cases[0].find("failure") is None
    failure = cases[1].find("failure")
    assert failure.get("message") == "differs"
    assert failure.text == "differs\nin 3 frames"


def test_any_character_is_safe():
    document = junit_xml("net \x00\"<&>'\ud800.onnx", [Check("a\x1b", 0.0, "]]>\x00")])
    root = xml.fromstring(document)
    assert root.find("testsuite").get("name") == "net ?\"<&>'?.onnx"
    assert root.find("testsuite/testcase/failure").text == "]]>?"
