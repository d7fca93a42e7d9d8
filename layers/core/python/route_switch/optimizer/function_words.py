"""English words that hold a sentence together and say nothing about its subject.

A local model may use them, as any other word. As a feature in a report, they tell a person nothing.
"""

_WORDS = """
    a about above after again against all also am among an and another any are around as at be
    because been before being below between both but by can cannot could did do does doing done
    down during each either else ever every few for from further get gets got had has have having
    he her here hers herself him himself his how however i if in into is it its itself just let
    like made make makes many may me might mine more most much must my myself need needs neither
    no nor not now of off often on once one only onto or other others our ours ourselves out over
    own per please rather same shall she should since so some such than that the their theirs them
    themselves then there therefore these they this those though through thus to too toward towards
    under until up upon us use used using very via was we were what when where whether which while
    who whom whose why will with within without would yes yet you your yours yourself yourselves
    ain aren couldn didn doesn don hadn hasn haven isn mustn needn shan shouldn wasn weren won
    wouldn
"""
FUNCTION_WORDS = frozenset(_WORDS.split())
"""The words in lower case. The last ones are the remains of contractions such as “don't”."""
